import { MockLLM } from "@llamaindex/core/llms/mock";
import type { Receipt } from "@oscillink/core";
import type { DocumentRecord } from "@oscillink/core/adapter";
import { LexicalEmbedder } from "@oscillink/lexical";
import {
  BaseEmbedding,
  type BaseNode,
  type NodeWithScore,
  Settings,
  type SimpleVectorStore,
  storageContextFromDefaults,
  TextNode,
  VectorStoreIndex,
} from "llamaindex";

/** A salt works that never was. */
export const texts: readonly string[] = [
  "The salt works at Marrow Sands boil brine in six iron pans, each the size of a tennis court.",
  "Brine reaches the pans through a wooden pipe of eleven kilometres that was bored by Edda Rook.",
  "Edda Rook learned to bore long pipes from a maker of organ pipes in Linden Street.",
  "The pans are heated with peat, for coal cracks the iron when it is burned in the wind.",
  "Peat is cut in May and dried on the dunes until the first storm of September.",
  "The organ in Linden Street has a stop that sounds like wind in the dunes.",
  "Salt is raked out every second night and drained in baskets of willow.",
  "Willow for the baskets grows along the canal, where the basket makers live.",
  "The canal carries the salt to the harbour at Low Marrow in flat boats.",
  "A flat boat takes forty baskets, and a horse pulls two boats at a time.",
  "The horses are stabled in the old chapel, which has the only stone floor in Low Marrow.",
  "Tax on salt was paid by the basket until the basket makers wove larger ones.",
  "After the tax of the larger baskets, salt was weighed on a scale kept in the chapel.",
  "The scale was made by the maker of organ pipes, who trusted no other tin.",
];

export const query = "Who taught the person that bored the brine pipe?";
export const model = LexicalEmbedder.fit(texts, { dimensions: 256 });

/** The lexical embedder as a model of LlamaIndex, and a record of what it was asked. */
export class LexicalModel extends BaseEmbedding {
  readonly asked: string[] = [];

  // biome-ignore lint/complexity/noUselessConstructor: that of the base is protected.
  constructor() {
    super();
  }
  override async getTextEmbedding(text: string): Promise<number[]> {
    this.asked.push(text);
    return model.embedQuery(text);
  }
}

/** A model that is out of order in one way. */
export const modelWith = (broken: Partial<LexicalModel>): LexicalModel =>
  Object.assign(new LexicalModel(), broken);

/** A model that answers, and keeps what it was told. */
export function listeningLLM(): MockLLM & { readonly prompts: string[] } {
  const llm = new MockLLM({ responseMessage: "An organ maker." });
  const prompts: string[] = [];
  const listening =
    <Params, Answer>(answer: (params: Params) => Answer) =>
    (params: Params): Answer => {
      prompts.push(JSON.stringify(params));
      return answer.call(llm, params);
    };
  return Object.assign(llm, {
    prompts,
    complete: listening(llm.complete),
    chat: listening(llm.chat),
  });
}

/** One node a text, each with an id and metadata that nobody may touch. */
export const textNodes = (): TextNode[] =>
  texts.map(
    (text, page) =>
      new TextNode({
        id_: `n${page}`,
        text,
        metadata: { page, place: { works: "Marrow Sands" } },
        excludedEmbedMetadataKeys: ["place"],
      }),
  );

/** An index over the nodes; with `hidden`, its store keeps the vectors to itself, as most do. */
export function indexOf(
  nodes: BaseNode[],
  embedModel: BaseEmbedding = new LexicalModel(),
  { hidden = false, persistDir = "" } = {},
): Promise<VectorStoreIndex> {
  // Nodes are embedded by the store's model, queries by the index's: both take the one of the settings.
  return Settings.withEmbedModel(embedModel, async () => {
    const storageContext = await storageContextFromDefaults(persistDir ? { persistDir } : {});
    if (hidden) Object.assign(storeOf(storageContext), { get: undefined });
    return VectorStoreIndex.init({ storageContext, nodes });
  });
}

export const storeOf = ({ vectorStores }: Pick<VectorStoreIndex, "vectorStores">): SimpleVectorStore =>
  vectorStores.TEXT as SimpleVectorStore;

export const recordOf = ({ node }: NodeWithScore, key = "oscillink"): DocumentRecord => node.metadata[key];

/** The receipt that came with a bundle whose `attach` is `"full"`. */
export function receiptOf(bundle: readonly NodeWithScore[]): Receipt {
  const { receipt } = recordOf(bundle[0]!);
  if (typeof receipt === "string") throw new Error("only the digest is attached");
  return receipt;
}

export const idsOf = (bundle: readonly NodeWithScore[]): string[] => bundle.map(({ node }) => node.id_);

import { BaseCallbackHandler } from "@langchain/core/callbacks/base";
import type { DocumentInterface } from "@langchain/core/documents";
import type { BaseRetrieverInterface } from "@langchain/core/retrievers";
import { ensureConfig, mergeConfigs, type RunnableConfig } from "@langchain/core/runnables";
import type { VectorStoreInterface } from "@langchain/core/vectorstores";
import { OptionError, type Receipt, waitFor } from "@oscillink/core/adapter";
import { carryingCall, RECEIPT_COLLECTOR } from "./callbacks.ts";
import { receiptEvent } from "./documents.ts";
import { OscillinkRetriever, type OscillinkRetrieverFields } from "./retriever.ts";

/** What the tool and the middleware ask: a retriever, or the fields of an {@link OscillinkRetriever} to make. */
export type RetrieverSource<Store extends VectorStoreInterface = VectorStoreInterface> =
  | {
      /** Any retriever that re-ranks with Oscillink somewhere inside, such as a `ContextualCompressionRetriever`. */
      retriever: BaseRetrieverInterface;
    }
  | OscillinkRetrieverFields<Store>;

/** What a retriever returned, and the receipts of all re-rankings on the way, in their order. */
export interface Retrieved {
  readonly documents: DocumentInterface[];
  readonly receipts: readonly Receipt[];
}

/** @throws {OptionError} for anything that is no retriever, and for fields that only one that is made could heed. */
export function retrieverOf(source: RetrieverSource): BaseRetrieverInterface {
  if (!("retriever" in source)) return new OscillinkRetriever(source);
  const { retriever, ...rest } = source;
  if (typeof retriever?.invoke !== "function") {
    throw new OptionError("retriever", "must be a LangChain retriever: it needs invoke");
  }
  const unheeded = Object.keys(rest)[0];
  if (unheeded !== undefined) {
    throw new OptionError(unheeded, "is no option beside a retriever; set it where that is made");
  }
  return retriever;
}

/**
 * Asks a retriever, as part of the run whose `config` is given or, where that is left out, of the one that is on. A signal of that
 * ends it, whether or not the retriever listens.
 */
export async function retrieve(
  retriever: BaseRetrieverInterface,
  query: string,
  config?: RunnableConfig,
): Promise<Retrieved> {
  const collector = new ReceiptCollector();
  const whole = ensureConfig(config);
  const run = mergeConfigs(carryingCall(whole) as RunnableConfig, { callbacks: [collector] });
  const documents = await waitFor(() => retriever.invoke(query, run), whole, "the retriever");
  return { documents, receipts: collector.receipts };
}

/** Hears the receipts, wherever inside a retriever they are made and whatever of them the documents carry. */
class ReceiptCollector extends BaseCallbackHandler {
  override name = RECEIPT_COLLECTOR;
  readonly receipts: Receipt[] = [];

  constructor() {
    // Without, the events come some time after the documents.
    super({ _awaitHandler: true });
  }
  override handleCustomEvent(event: string, data: unknown): void {
    if (event === receiptEvent) this.receipts.push(data as Receipt);
  }
}

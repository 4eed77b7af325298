import { oscillinkRerankingModel } from "@oscillink/ai-sdk";
import { openaiEmbedder } from "@oscillink/openai";
import { rerank } from "ai";
import OpenAI from "openai";
import { embeddings, passages } from "./corpus/vectors.ts";

const documents = passages.map(({ _id: id, title, text, trust = 1 }) => ({ id, title, text, trust }));
const embed = process.env.OPENAI_API_KEY
  ? openaiEmbedder(new OpenAI(), { model: "text-embedding-3-small" })
  : embeddings;

const { ranking, providerMetadata } = await rerank({
  model: oscillinkRerankingModel({ embed, trust: ({ trust }: { trust: number }) => trust }),
  query: "How did the founder of the Brey Line ferry company spend his retirement?",
  documents,
  topN: 3,
});
for (const { originalIndex, score, document } of ranking) {
  console.log(
    `${score.toFixed(2)}  (was ${originalIndex + 1})  ${document.title}: ${document.text.slice(0, 60)}…`,
  );
}
console.log(providerMetadata?.oscillink?.receipt);

import { readFileSync } from "node:fs";
import { oscillinkRerankingModel } from "@oscillink/ai-sdk";
import { LexicalEmbedder } from "@oscillink/lexical";
import { openaiEmbedder } from "@oscillink/openai";
import { rerank } from "ai";
import OpenAI from "openai";

type Passage = { id: string; title: string; text: string; trust: number };
const lines = readFileSync(new URL("corpus/passages.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n");
const documents = lines.map((line): Passage => {
  const { _id: id, title, text, trust = 1 } = JSON.parse(line);
  return { id, title, text, trust };
});

// Without a key, words are counted instead.
const embed = process.env.OPENAI_API_KEY
  ? openaiEmbedder(new OpenAI(), { model: "text-embedding-3-small" })
  : LexicalEmbedder.fit(documents.map(({ text }) => text));

const { ranking, providerMetadata } = await rerank({
  model: oscillinkRerankingModel({ embed, attach: "digest", trust: ({ trust }: Passage) => trust }),
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

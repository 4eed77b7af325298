import { LexicalEmbedder } from "@oscillink/lexical";

const passages = [
  "The ferry crosses the sound at noon.",
  "Lighthouse keepers wrote a log every night.",
  "The night train leaves from platform two.",
];
const embedder = LexicalEmbedder.fit(passages);
const [query, ...rows] = ["lighthouse logs", ...passages].map((text) => embedder.embed(text));
const cosines = rows.map((row) => row.reduce((sum, x, i) => sum + x * query![i]!, 0));
console.log(cosines.indexOf(Math.max(...cosines))); // 1

const copy = LexicalEmbedder.fromJSON(JSON.parse(JSON.stringify(embedder)));
const again: number[] = await copy.embedQuery("lighthouse logs");
console.log(again.every((value, i) => value === query![i])); // true

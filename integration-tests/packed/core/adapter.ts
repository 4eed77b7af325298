import { rerankItems, resolveAdapterOptions } from "@oscillink/core/adapter";

const items = [
  { text: "Bread and butter.", vector: [0, 1] },
  { text: "Tidal power stations.", vector: [1, 0] },
];
const { ranked } = await rerankItems(
  items,
  ({ text }) => ({ text }),
  "tidal power",
  () => ({ query: [1, 0.2], vectors: items.map(({ vector }) => vector), embedder: null }),
  resolveAdapterOptions<(typeof items)[0]>({ k: 1 }),
);
console.log(ranked[0]!.item === items[1], ranked[0]!.record?.inputRank); // true 2

import { type ExplainOptions, explainPage } from "@oscillink/explain";

const sha = `sha256:${"0".repeat(64)}`;
const entry = { id: "b", rank: 1, inputRank: 2, ownRank: 1, score: 1, relevance: null, namedBy: null };
const receipt = {
  schema: "oscillink-receipt/3",
  version: "0.0.0",
  profile: "evidence",
  params: {
    k: 1,
    lamC: 0.5,
    lamG: 1,
    diversity: 0,
    textWeight: 1,
    minRelevance: 0,
    relevanceCalibration: { level: 0, slope: 1 },
  },
  inputs: {
    n: 2,
    d: 2,
    missing: 0,
    excluded: 0,
    candidates: sha,
    query: sha,
    scores: null,
    lists: [],
    ids: sha,
    trust: null,
    texts: null,
    titles: null,
    queryText: null,
    links: null,
    edges: null,
  },
  context: null,
  chain: null,
  evidence: { weights: { similarity: 1 }, words: null, best: [], lamC: 0.05, cut: 0 },
  relevance: null,
  bundle: [{ ...entry, parts: { similarity: 1 }, terms: { similarity: 1 }, neighbours: [] }],
  left_out: [{ id: "a", inputRank: 1, rank: 2, score: -1, copyOf: null }],
  deltaH_total: 0,
  energy: { initial: 0, final: 0 },
  meta: {
    receipt_detail: "light",
    state_sig: sha,
    null_threshold: null,
    crowding: { share: 0, passed: 0 },
    null_points_summary: null,
  },
  certificate: { residual: 0, bound: 0, margin: 2, orderCertified: true, open: null },
  digest: sha,
};
const candidates = [
  { id: "a", text: "The ferry leaves at noon.", embedding: [1, 0] },
  { id: "b", text: "Terns nest on the cliffs.", embedding: [0.6, 0.8] },
];
const options: ExplainOptions = { candidates };
const page = explainPage(receipt as unknown as Parameters<typeof explainPage>[0], options);
console.log(/<title>(.*)<\/title>/.exec(page)![1]); // Why this one of 2 documents
console.log(page.split('<g class="node ').length - 1); // 2

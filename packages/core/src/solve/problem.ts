import { connect, type Network } from "../graph/network.ts";
import type { Chain } from "../graph/path.ts";
import { kernel } from "../kernels/fastest.ts";
import { once } from "../once.ts";
import { profiles, type Strategies } from "../options/profiles.ts";
import type { Params } from "../options/types.ts";
import type { Pool } from "../pool/pool.ts";
import type { Words } from "../words/bm25.ts";
import { normalized } from "../words/cut.ts";
import { type Name, namesOf } from "../words/links.ts";
import { cheaperSpace, SPAN_LIMIT } from "./space.ts";

/** What is settled and ranked. */
export interface Problem {
  readonly params: Params;
  readonly pool: Pool;
  /** The chain that was added, by node; null without one. */
  readonly chain: Chain | null;
  readonly network: Network;
  /** The nodes' words in normal form, made when they are first asked for; null where there are none. */
  readonly words: () => readonly Words[] | null;
  /** The names by which nodes name one another, found when they are first asked for. */
  readonly names: () => readonly Name[];
}

export const strategiesOf = ({ params }: Pick<Problem, "params">): Strategies =>
  profiles[params.profile].strategies;

/** Connects the nodes of a pool. */
export function makeProblem(pool: Pool, params: Params, chain: Chain | null): Problem {
  const { strategies } = profiles[params.profile];
  const { rows: n, columns } = pool.vectors;
  // The ranking of evidence looks its cosines up; vectors alone are worth a Gram matrix only where they settle in its span.
  const keepGram =
    strategies.score === "evidence"
      ? n <= SPAN_LIMIT
      : cheaperSpace(n, columns, n * Math.min(2 * params.neighbors, n)) === "span";
  const words = once(() => wordsOf(pool));
  const network = connect(pool, params, strategies, keepGram, kernel);
  return { params, pool, chain, network, words, names: once(() => namesOfNodes(pool, words())) };
}

function wordsOf({ candidate, texts, titles }: Pool): Words[] | null {
  if ((texts ?? titles) === null) return null;
  return Array.from(candidate, (i) => ({
    title: normalized(titles?.[i] ?? ""),
    text: normalized(texts?.[i] ?? ""),
  }));
}

function namesOfNodes({ candidate, ids, links }: Pool, words: readonly Words[] | null): Name[] {
  if (words === null && links === null) return [];
  const documents = Array.from(candidate, (i, node) => ({
    title: "",
    text: "",
    ...words?.[node],
    id: ids[i]!,
    links: links?.[i] ?? [],
  }));
  return namesOf(documents);
}

import type { Fact } from "./facts.ts";

/** Where the figures were made. */
export interface Setting {
  readonly machine: string;
  readonly node: string;
  readonly kernel: string;
}

/** Prints facts: tables for people, or one JSON object a line. */
export interface Reporter {
  fact(fact: Fact): void;
  /** Called after the last fact of a part. */
  end(title: string): void;
}

export const jsonReporter = (print: (line: string) => void, setting: Setting): Reporter => ({
  fact: (fact) => print(JSON.stringify({ ...setting, ...fact })),
  end: () => {},
});

export function textReporter(print: (line: string) => void, setting: Setting): Reporter {
  print(`${setting.machine}, Node ${setting.node}, kernel ${setting.kernel}`);
  let facts: Fact[] = [];
  return {
    fact: (fact) => void facts.push(fact),
    end: (title) => {
      print(`\n${title}`);
      for (const line of table(facts)) print(line);
      facts = [];
    },
  };
}

/** One row a size, one column a thing that was measured: its median, and its minimum if there is one. */
function table(facts: readonly Fact[]): string[] {
  const columns = [...new Set(facts.map(({ what }) => what))];
  const rows = Map.groupBy(facts, ({ n, d, k }) => `(${n}, ${d}, ${k})`);
  const cells = Array.from(rows, ([size, row]) => {
    const runs = new Set(row.flatMap((fact) => fact.runs ?? []));
    return [
      size,
      ...columns.map((what) => cell(row.find((fact) => fact.what === what))),
      [...runs].join("/"),
    ];
  });
  const lines = [["(N, D, k)", ...columns, "runs"], ...cells];
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  return lines.map(([size, ...rest]) =>
    [size!.padEnd(widths[0]!), ...rest.map((text, i) => text.padStart(widths[i + 1]!))].join("  "),
  );
}

function cell(fact: Fact | undefined): string {
  if (fact === undefined) return "";
  const figure = (value: number) => value.toFixed(Math.abs(value) < 100 ? 2 : 0);
  return figure(fact.value) + (fact.min === undefined ? "" : ` (${figure(fact.min)})`);
}

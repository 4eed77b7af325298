/** Counts units: set apart before a request is answered, and spent or given back when it is known what became of it. */
import type { Config } from "../config/schema.ts";
import type { Caller, Counted, Reservation } from "../http/caller.ts";
import { Problem } from "../http/problem.ts";
import type { Metrics } from "../metrics.ts";
import type { KeyLimits, LedgerRow } from "../state/durable.ts";
import type { Limits, Remains, UnitLimits } from "../state/shared.ts";
import { limitFields } from "./fields.ts";

/** How long a request may be worked on before its units are given back without a word, in milliseconds. */
const HOLD = 10 * 60_000;

export interface Meter {
  /** @param holds until when the reservation holds. @throws {Problem} 413 for more than a limit ever allows, 429 for more than is left. */
  reserve(
    caller: Caller & { readonly limits?: KeyLimits },
    counted: Counted,
    holds?: number,
  ): Promise<Reservation>;
  /** Tells the metrics of a row that was written elsewhere, such as that of a job. @param reserved how many units were set apart. */
  settled(row: LedgerRow, reserved: number): void;
}

/** What became of a request, for the ledger. @param share of its units that is charged; 0 for nothing. */
export function ledgerRow(
  { keyId, tenant }: Pick<Caller, "keyId" | "tenant">,
  { id, route, n, d, units: reserved }: Counted,
  at: number,
  digest: string | null,
  share: number,
): LedgerRow {
  return {
    ...{ id, at, tenant, keyId: keyId ?? "", route, n, d, units: Math.ceil(reserved * share) },
    ...{ outcome: share > 0 ? "charged" : "refunded", durationMs: Date.now() - at, digest },
  };
}

export function openMeter(limits: Limits, { limits: configured }: Config, metrics: Metrics): Meter {
  const settled: Meter["settled"] = ({ outcome, units }, reserved) =>
    metrics.units.inc({ outcome }, units || reserved);
  return {
    settled,
    async reserve(caller, counted, holds) {
      const at = Date.now();
      const own = limitsOf(caller.limits, configured);
      const { refused, remains } = await limits.reserve({
        ...{ id: counted.id, keyId: caller.keyId ?? "", units: counted.units, limits: own },
        ...{ now: at, expires: holds ?? at + HOLD },
      });
      const fields = limitFields([...remains, ...(caller.burst ? [caller.burst] : [])]);
      if (refused.length > 0) {
        metrics.units.inc({ outcome: "refused" }, counted.units);
        throw overLimit(counted.units, refused, remains, fields);
      }
      const settle = async (digest: string | null, share: number) => {
        const row = ledgerRow(caller, counted, at, digest, share);
        if (await limits.settle(row.id, row)) settled(row, counted.units);
      };
      return {
        headers: fields,
        commit: (digest, share = 1) => settle(digest, share),
        refund: () => settle(null, 0),
      };
    },
  };
}

/** A key's own limits, each in place of the configured one. */
export const limitsOf = (own: KeyLimits | undefined, configured: Config["limits"]): UnitLimits => ({
  units: own?.units ?? configured.units,
  window: configured.unitsWindow,
  month: own?.unitsMonth ?? configured.unitsMonth,
});

function overLimit(
  units: number,
  refused: readonly Remains["name"][],
  remains: readonly Remains[],
  fields: Readonly<Record<string, string>>,
): Problem {
  const over = remains.filter(({ name }) => refused.includes(name));
  const never = over.find(({ limit }) => units > limit);
  if (never) {
    const detail = `The request counts ${units} units, and the limit "${never.name}" of this key is ${never.limit}: send fewer documents.`;
    return new Problem(413, detail, { headers: fields });
  }
  const wait = Math.max(...over.map(({ reset }) => reset));
  const said = over.map(({ name, left }) => `${left} of "${name}"`).join(" and ");
  return new Problem(429, `The request counts ${units} units, and the key has ${said} left.`, {
    type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
    title: "Quota Exceeded",
    members: { "violated-policies": refused },
    headers: { ...fields, "Retry-After": String(wait) },
  });
}

/** Jobs as the Python package's server has them. */
import type { JobStatus } from "../state/shared.ts";

/** What a job is called there. There is no word for one that is worked on. */
const STATUS = {
  queued: "queued",
  running: "queued",
  done: "done",
  failed: "error",
  cancelled: "cancelled",
} as const;

/** The answer to `POST /v1/jobs/settle`. */
export const writeSubmitted = (id: string): string => JSON.stringify({ job_id: id, status: STATUS.queued });

/** The answer to `GET` and `DELETE /v1/jobs/{id}`: times are in seconds since 1970, and the result is what was written. */
export function writeJob({
  id,
  state,
  created,
  finished,
  answer,
}: Omit<JobStatus, "tenant" | "keyId">): string {
  const head = {
    ...{ job_id: id, status: STATUS[state], created: created / 1000 },
    ...(finished !== null && { completed: finished / 1000 }),
    ...(state === "failed" && { error: (JSON.parse(answer!) as { detail: string }).detail }),
  };
  const written = JSON.stringify(head);
  return state === "done" ? `${written.slice(0, -1)},"result":${answer}}` : written;
}

/** The log of a server: JSON lines on stdout, whoever reads it. */
import { destination, pino } from "pino";
import type { Config } from "./config/schema.ts";

/** How many bytes of lines wait at a time; more are dropped. */
const WAITING = 2 ** 20;

export const openLog = ({ logLevel }: Pick<Config, "logLevel">) =>
  pino({ level: logLevel, redact: ["req.headers.authorization", 'req.headers["x-api-key"]'] }, stdoutLines());

/** A full disk or a closed pipe costs lines and nothing else; what waits is tried again with the next line. */
function stdoutLines() {
  const lines = destination({ dest: 1, sync: false, maxLength: WAITING });
  let fails = false;
  lines.on("error", () => {
    fails = true;
  });
  lines.on("write", () => {
    fails = false;
  });
  const flush = lines.flushSync.bind(lines);
  lines.flushSync = () => {
    // It would try until it can, and the process would not end.
    if (!fails) flush();
  };
  return lines;
}

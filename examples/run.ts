/** Runs one of the examples by its name. */
import { readdirSync } from "node:fs";

const names = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts") && entry.name !== "run.ts")
  .map(({ name }) => name.slice(0, -".ts".length));
const [name = ""] = process.argv.splice(2, 1);
if (names.includes(name)) {
  await import(`./${name}.ts`);
} else {
  console.error(`Which example? ${names.join(", ")}`);
  process.exitCode = 1;
}

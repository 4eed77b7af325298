/**
 * Runs a script in the sandbox of Next.js' edge functions, made as Next.js makes it: nothing is compiled from a text or from
 * bytes, and Node's functions of `process` are there to throw.
 */
import { readFileSync } from "node:fs";
import { EdgeVM } from "@edge-runtime/vm";

const refused = (name: string) => () => {
  throw new Error(`A Node.js API is used (process.${name}) which is not supported in the Edge Runtime.`);
};
const functions = Object.keys(process).filter((name) => typeof Reflect.get(process, name) === "function");
const standIn = { env: {}, ...Object.fromEntries(functions.map((name) => [name, refused(name)])) };

const vm = new EdgeVM({
  codeGeneration: { strings: false, wasm: false },
  extend: (context) => Object.assign(context, { process: standIn, console }),
});
vm.evaluate(readFileSync(process.argv[2]!, "utf8"));

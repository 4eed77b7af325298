/** Compiles src/kernels/assembly to WebAssembly and writes it, as text, into src/kernels/wasm.ts: no asset to ship. */
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import asc from "assemblyscript/asc";

const root = join(import.meta.dirname, "..");
const source = "src/kernels/assembly/index.ts";
const target = join(root, "src/kernels/wasm.ts");
const changed = (file: string): number => statSync(file).mtimeMs;

if (
  !existsSync(target) ||
  changed(target) < Math.max(changed(join(root, source)), changed(import.meta.filename))
) {
  const flags = ["-O3", "--noAssert", "--enable", "simd", "--runtime", "stub", "--use", "abort="];
  const binary = "kernel.wasm";
  let bytes: Uint8Array | undefined;
  const { error, stderr } = await asc.main([source, "--baseDir", root, "--outFile", binary, ...flags], {
    writeFile: (name, contents) => {
      if (name === binary) bytes = contents as Uint8Array;
    },
  });
  if (error !== null || bytes === undefined) throw new Error(`${stderr}`, { cause: error });
  const base64 = Buffer.from(bytes).toString("base64");
  writeFileSync(
    target,
    `/** Made by scripts/kernel.ts from ./assembly. */\nexport const wasm =\n  "${base64}";\n`,
  );
}

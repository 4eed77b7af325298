#!/usr/bin/env node
// The command. Nothing else is loaded before the version of Node is known to do, as older ones cannot read the rest.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 13)) {
  process.stderr.write(`oscillink-server needs Node 22.13 or later; this is ${process.versions.node}\n`);
  process.exitCode = 2;
} else {
  const { run } = await import("./program.ts");
  await run(process.argv);
}

/** Fuzzes what the packages promise, by seed: prints what came of it, and fails if there was a fault. */
import { Command, Option } from "commander";
import { fuzz, targets } from "./targets.ts";

interface Choice {
  target?: string;
  count: number;
  seed: number;
}

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`must be an integer, not ${text}`);
  return value;
};

const { target, count, seed } = new Command("fuzz")
  .description("Runs seeded cases against what the packages promise.")
  .addOption(new Option("--target <name>", "one target alone").choices(Object.keys(targets)))
  .option("--count <n>", "how many cases a target", whole, 1_000_000)
  .option("--seed <n>", "the first seed; a fault is repeated with its seed and --count 1", whole, 1)
  .parse()
  .opts<Choice>();

for (const [name, run] of Object.entries(targets)) {
  if (target !== undefined && target !== name) continue;
  const { cases, answered, refused, faulty, faults } = fuzz(run, seed, count);
  process.stdout.write(
    `${name}: ${cases} cases from seed ${seed}: ${answered} answered, ${refused} refused, ${faulty} faults\n`,
  );
  for (const { seed: own, fault } of faults) process.stdout.write(`  seed ${own}: ${fault}\n`);
  if (faulty > 0) process.exitCode = 1;
}

/**
 * Runs the rounds of one scenario in a process of its own, and prints a `RoundsReport` as JSON:
 *
 *     node --expose-gc rounds.js SCENARIO ROUNDS SEED
 */
import { usage, watch, type Usage } from './resources.js';

// Before anything instantiates a module.
watch();
const { outcomes, SCENARIOS } = await import('./scenarios.js');
const { Random } = await import('../random.js');

export interface RoundsReport {
  readonly rounds: number;
  readonly seconds: number;
  /** The first broken rules, with their rounds. */
  readonly broken: readonly { readonly round: number; readonly rule: string }[];
  /** Calls that were answered, and that failed by an allowed error. */
  readonly outcomes: { readonly answered: number; readonly refused: number };
  readonly before: Usage;
  readonly after: Usage;
}

const [name, count, seed] = process.argv.slice(2);
const scenario = SCENARIOS.find((each) => each.name === name);
if (scenario === undefined) {
  console.log(JSON.stringify(SCENARIOS.map((each) => each.name)));
  process.exit(0);
}

const broken: { round: number; rule: string }[] = [];
let current = 0;
const note = (error: unknown): void => {
  if (broken.length < 10) broken.push({ round: current, rule: error instanceof Error ? error.message : String(error) });
};
process.on('unhandledRejection', note);
process.on('uncaughtException', note);

const run = async (round: number): Promise<void> => {
  current = round;
  await scenario.round(new Random(`${seed}/${scenario.name}/${round}`)).catch(note);
};

/** Rounds before the first measurement, in which code is compiled and caches are filled. */
const WARMUP = 20;

for (let round = 0; round < WARMUP; round++) await run(-1 - round);
const before = await usage();
const start = performance.now();
for (let round = 0; round < Number(count); round++) await run(round);
const seconds = (performance.now() - start) / 1000;
const report: RoundsReport = { rounds: Number(count), seconds, broken, outcomes, before, after: await usage() };
console.log(JSON.stringify(report));
process.exit(0);

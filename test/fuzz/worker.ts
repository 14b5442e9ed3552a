/**
 * Tries targets, in a process of its own, which `main.ts` starts and watches:
 *
 *     node worker.js PROGRESS
 *     node worker.js --list
 *
 * A message `{ target, seed, from, to }` starts a target; the answer is a `TargetReport`. Before each input its index is
 * written into the file PROGRESS, so that the other process knows it if this one hangs or ends.
 */
import { countAllocations } from './allocation.js';
import { openSync, writeSync } from 'node:fs';
import { inspect } from 'node:util';
import { CallerError, outcomeOfError, outcomeOfResult, type Outcome } from './outcome.js';
import { Random } from './random.js';
import type { Fault, Task, TargetReport } from './report.js';
import { FACTOR, type Input, type Target } from './target.js';
import { TARGETS } from './targets/index.js';

/** A call that takes longer counts as one that hangs, even if it ends. */
const MAX_MS = 5000;

/** Different faults of a target that are reported. */
const MAX_FAULTS = 20;

const MIB = 2 ** 20;

interface Observation {
  readonly outcome: Outcome;
  readonly input: Input;
  readonly milliseconds: number;
  readonly allocated: number;
}

/** Errors that no caller can catch: of timers, events and forgotten promises. */
let uncaught: unknown = null;
const noteUncaught = (error: unknown): void => {
  if (!(error instanceof CallerError)) uncaught ??= error;
};
process.on('uncaughtException', noteUncaught);
process.on('unhandledRejection', noteUncaught);

async function outcomeOf(input: Input): Promise<Outcome> {
  try {
    return outcomeOfResult(await input.run());
  } catch (error) {
    return outcomeOfError(error);
  }
}

async function observe(target: Target, seed: number, index: number): Promise<Observation> {
  const input = await target.draw(new Random(`${seed}/${target.name}/${index}`));
  const allocated = countAllocations();
  const start = performance.now();
  const outcome = await outcomeOf(input);
  return { outcome, input, milliseconds: performance.now() - start, allocated: allocated() };
}

/** The rule that a call broke; null if none. */
function faultOf(
  target: Target,
  { outcome, input, milliseconds, allocated }: Observation,
): Omit<Fault, 'index'> | null {
  if (outcome.kind === 'fault') return outcome;
  if (milliseconds > MAX_MS) {
    return { fault: `took more than ${MAX_MS} ms`, detail: `${Math.round(milliseconds)} ms` };
  }
  const most = FACTOR * input.size + target.allowance;
  if (allocated > most) {
    const detail = `${(allocated / MIB).toFixed(1)} MiB for an input of ${input.size} bytes; ${JSON.stringify(outcome)}`;
    return { fault: `allocated more than ${FACTOR} times the input and ${target.allowance / MIB} MiB`, detail };
  }
  for (const key in {}) return { fault: 'changed Object.prototype', detail: key };
  return null;
}

/** The rule that two calls with the same input broke; null if none. */
function differenceOf(first: Outcome, second: Outcome): Omit<Fault, 'index'> | null {
  const [a, b] = [JSON.stringify(first), JSON.stringify(second)];
  return a === b ? null : { fault: 'answered the same input twice differently', detail: `${a}\n${b}` };
}

function uncaughtFault(): Omit<Fault, 'index'> | null {
  if (uncaught === null) return null;
  const outcome = outcomeOfError(uncaught);
  uncaught = null;
  const detail = outcome.kind === 'fault' ? outcome.detail : JSON.stringify(outcome);
  return { fault: `an error that no caller can catch: ${detail.split('\n')[0]}`, detail };
}

const textOf = (shown: Uint8Array | string): Pick<Fault, 'text' | 'bytes'> =>
  typeof shown === 'string' ? { text: shown } : { bytes: Buffer.from(shown).toString('base64') };

if (process.argv[2] === '--list') {
  console.log(JSON.stringify(TARGETS.map(({ name }) => name)));
  process.exit(0);
}
const progress = openSync(process.argv[2], 'w');

async function tryTarget({ target: name, seed, from, to }: Task): Promise<TargetReport> {
  const target = TARGETS.find((each) => each.name === name);
  if (target === undefined) throw new Error(`no target ${name}`);
  const faults = new Map<string, Fault>();
  const counts = { accepted: 0, refused: 0, caller: 0, fault: 0 };
  let [most, slowest, faulty] = [0, 0, 0];
  const start = performance.now();
  for (let index = from; index < to; index++) {
    writeSync(progress, String(index).padStart(12), 0);
    const first = await observe(target, seed, index);
    counts[first.outcome.kind]++;
    most = Math.max(most, first.allocated - FACTOR * first.input.size);
    slowest = Math.max(slowest, first.milliseconds);
    let found = faultOf(target, first);
    if (found === null && target.isDeterministic) {
      found = differenceOf(first.outcome, (await observe(target, seed, index)).outcome);
    }
    found ??= uncaughtFault();
    if (found === null) continue;
    faulty++;
    const { fault, detail } = found;
    if (faults.has(fault) || faults.size >= MAX_FAULTS) continue;
    const { input } = await observe(target, seed, index);
    faults.set(fault, { fault, detail, index, ...textOf(input.show()) });
  }
  // Errors of the last inputs may arrive later.
  await new Promise((resolve) => setTimeout(resolve, 10));
  const late = uncaughtFault();
  if (late !== null) faults.set(late.fault, { ...late, index: to - 1 });
  return {
    target: name,
    ...{ inputs: to - from, ...counts, faulty, most, slowest },
    seconds: (performance.now() - start) / 1000,
    faults: [...faults.values()],
  };
}

/** One input with everything that is known about it. */
export async function explain({ target: name, seed, from }: Task): Promise<string> {
  const target = TARGETS.find((each) => each.name === name);
  if (target === undefined) throw new Error(`no target ${name}`);
  // First, because the call may never end.
  const input = await target.draw(new Random(`${seed}/${target.name}/${from}`));
  console.error(input.show());
  const observation = await observe(target, seed, from);
  return inspect({ ...observation, input: undefined, fault: faultOf(target, observation) }, { depth: 6 });
}

process.on('message', (task: Task) => {
  void (task.explain === true ? explain(task) : tryTarget(task)).then(
    (report) => process.send?.(report),
    (error: unknown) => {
      console.error(error);
      process.exit(3);
    },
  );
});

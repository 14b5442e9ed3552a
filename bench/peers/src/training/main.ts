/**
 * Compares a training step in this package with other runtimes: the same weights, batch and optimizer, one thread, each
 * measurement in a separate process, in turn. `npm run bench -- training` runs it.
 */
import { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PYTHON, versionAt } from '../candidates.js';
import { exchange, RuntimeFailure } from '../exchange.js';
import { PACKAGE, ROOT } from '../paths.js';
import { makeReady } from '../ready.js';
import { median } from '../statistics.js';
import { EXPECTED, FOLDER, LOSS_COUNT } from './files.js';
import type { TrainerName, TrainingJob, TrainingMessage } from './job.js';
import { formatTrainers, type TrainerRow, type TrainerTiming, type TrainingPeersReport } from './report.js';
import { ADAM, BATCH, BATCH_NORM, LAMBDA, NETWORK } from './task.js';

/**
 * Largest accepted relative error of the first loss. Float32 rounding, 6e-8, accumulates to about 1e-6 over a dozen
 * layers. A slope λ wrong by 0.01 changes the loss by 7e-5, another ε of the norms by 1e-4.
 */
const FIRST_TOLERANCE = 1e-5;
/**
 * Largest accepted relative error of the loss after three steps. It is larger, because Adam moves a parameter whose
 * gradient is only rounding error as far as any other, and rounding can change the position of a maximum: two memory
 * formats of PyTorch differ by 2e-5. A learning rate wrong by 1% changes the loss by 6e-5, missing bias correction of
 * the moments by 6e-3; a wrong β has little effect so early.
 */
const LAST_TOLERANCE = 5e-5;

interface Trainer {
  readonly label: string;
  /** The package.json with its version; null if npm does not install it. */
  readonly manifest: string | null;
  readonly how: string | null;
  readonly native: boolean;
}

/** In the order of measurement. This package comes first, because all ratios are relative to it. */
const TRAINERS: Record<TrainerName, Trainer> = {
  vanillanet: { label: 'vanillanet', manifest: join(ROOT, 'package.json'), how: null, native: false },
  'jax-js': {
    label: 'jax-js',
    manifest: join(PACKAGE, 'node_modules/@jax-js/jax/package.json'),
    how: null,
    native: false,
  },
  pytorch: { label: 'PyTorch CPU', manifest: null, how: null, native: true },
  'pytorch-tuned': { label: 'PyTorch CPU', manifest: null, how: 'channels_last, fused Adam', native: true },
};

interface Effort {
  readonly rounds: number;
  /** Timed steps per round. */
  readonly steps: number;
  readonly warmUp: { readonly steps: number; readonly ms: number };
}

const FULL: Effort = { rounds: 5, steps: 25, warmUp: { steps: 3, ms: 1500 } };
const QUICK: Effort = { rounds: 1, steps: 5, warmUp: { steps: 2, ms: 300 } };

interface Measurement {
  readonly losses: readonly number[];
  readonly ms: readonly number[];
  readonly loss: number;
  readonly version: string | null;
  readonly how: string | null;
}

/** A trainer, with its results so far. */
interface Entry {
  readonly name: TrainerName;
  version: string | null;
  how: string | null;
  losses: readonly number[];
  first: number | null;
  last: number | null;
  missing: string | null;
  readonly rounds: (readonly number[])[];
}

/** Logs progress to stderr: stdout contains only the report. */
const log = (text: string): void => {
  process.stderr.write(`bench:training: ${text}\n`);
};

const CHILD = join(PACKAGE, 'dist/training/child.js');
const PYTORCH = join(PACKAGE, 'src/training/runtimes/pytorch.py');

const isPython = (name: TrainerName): boolean => name.startsWith('pytorch');

async function measure(name: TrainerName, { warmUp, steps }: Effort): Promise<Measurement> {
  const job: TrainingJob = {
    ...{ trainer: name, folder: FOLDER, network: NETWORK, batch: BATCH, lambda: LAMBDA, adam: ADAM },
    ...{ batchNorm: BATCH_NORM, lossCount: LOSS_COUNT, warmUp, steps },
  };
  const [program, script] = isPython(name) ? [PYTHON ?? 'python3', PYTORCH] : [process.execPath, CHILD];
  const { messages, failure } = await exchange<TrainingMessage>(program, script, job);
  const losses = messages.find((message) => message.event === 'losses');
  const done = messages.find((message) => message.event === 'done');
  if (losses === undefined || (steps > 0 && done === undefined)) throw failure();
  const { values, version = null, how = null } = losses;
  return { losses: values, ms: done?.ms ?? [], loss: done?.loss ?? NaN, version, how };
}

/** Measures a trainer. @returns null if it failed; the reason is stored in `missing` */
async function attempt(entry: Entry, effort: Effort): Promise<Measurement | null> {
  try {
    return await measure(entry.name, effort);
  } catch (error) {
    if (!(error instanceof RuntimeFailure)) throw error;
    entry.missing = `SKIPPED ${error.message}`;
    log(`${entry.name}: ${entry.missing}`);
    return null;
  }
}

const offBy = (value: number | undefined, right: number): number =>
  value === undefined || Number.isNaN(value) ? Infinity : Math.abs(value - right) / Math.abs(right);

/** Checks the losses of a process. All processes start with the same weights, so their losses must agree. */
function judge(entry: Entry, losses: readonly number[], right: readonly number[]): void {
  entry.first = Math.max(entry.first ?? 0, offBy(losses.at(0), right[0]));
  entry.last = Math.max(entry.last ?? 0, offBy(losses.at(LOSS_COUNT - 1), right[LOSS_COUNT - 1]));
  if (entry.first > FIRST_TOLERANCE) entry.missing = `WRONG first loss: off by ${entry.first.toExponential(1)} of it`;
  else if (entry.last > LAST_TOLERANCE)
    entry.missing = `WRONG loss after 3 steps: off by ${entry.last.toExponential(1)} of it`;
  else return;
  log(`${entry.name}: ${entry.missing}`);
}

/**
 * Checks the losses of all trainers before timing: this package's against the reference, the others against this
 * package's if those are correct. @returns the losses to compare with
 */
async function checkAgreement(entries: readonly Entry[]): Promise<readonly number[]> {
  const expected = JSON.parse(await readFile(join(FOLDER, EXPECTED), 'utf8')) as number[];
  let right = expected;
  for (const entry of entries) {
    if (isPython(entry.name) && PYTHON === undefined) {
      entry.missing = 'SKIPPED VANILLANET_PYTHON is not set to a Python with torch';
      continue;
    }
    log(`${entry.name}: losses`);
    const answer = await attempt(entry, { ...QUICK, steps: 0 });
    if (answer === null) continue;
    entry.losses = answer.losses;
    entry.version ??= answer.version;
    entry.how ??= answer.how;
    judge(entry, answer.losses, right);
    if (entry.name === 'vanillanet' && entry.missing === null) right = [...answer.losses];
  }
  return right;
}

/** Times every trainer once in each round, so that a drift of the machine affects all of them equally. */
async function time(entries: readonly Entry[], right: readonly number[], effort: Effort): Promise<void> {
  const [ours] = entries;
  for (let round = 1; round <= effort.rounds; round++) {
    for (const entry of entries) {
      // Ratios need this package's time of the same round.
      if (entry.missing !== null || ours.missing !== null) continue;
      log(`${entry.name}: round ${round} of ${effort.rounds}`);
      const answer = await attempt(entry, effort);
      if (answer === null) continue;
      judge(entry, answer.losses, entry === ours ? ours.losses : right);
      // The loss must also decrease after V8 has optimized the code.
      if (!(answer.loss < answer.losses[0])) entry.missing = `WRONG final loss: ${answer.loss}, not below the first`;
      entry.rounds.push(answer.ms);
    }
  }
}

const round2 = (value: number): number => Math.round(value * 100) / 100;

function timingOf(rounds: readonly (readonly number[])[], ours: readonly (readonly number[])[]): TrainerTiming {
  const medians = rounds.map(median);
  const ratios = medians.map((ms, i) => ms / median(ours[i]));
  return {
    steps: rounds.flat().length,
    minMs: round2(Math.min(...rounds.flat())),
    medianMs: round2(median(medians)),
    rounds: medians.map(round2),
    ratio: round2(median(ratios)),
    ratios: ratios.map(round2),
  };
}

function rowOf({ name, rounds, missing, ...results }: Entry, ours: Entry): TrainerRow {
  const { label, native } = TRAINERS[name];
  const timed = missing === null && ours.missing === null && rounds.length > 0;
  const timing = timed ? timingOf(rounds, ours.rounds) : null;
  const reason = timing === null ? (missing ?? 'SKIPPED no time of this package to compare with') : null;
  return { trainer: name, label, native, ...results, missing: reason, timing };
}

async function bench({ quick, json }: { readonly quick?: true; readonly json?: true }): Promise<void> {
  makeReady(log, 'bench/peers/dist/training/prepare.js');
  const entries = await Promise.all(
    (Object.keys(TRAINERS) as TrainerName[]).map(async (name): Promise<Entry> => {
      const { manifest, how } = TRAINERS[name];
      const version = await versionAt(manifest);
      return { name, version, how, losses: [], first: null, last: null, missing: null, rounds: [] };
    }),
  );
  await time(entries, await checkAgreement(entries), quick ? QUICK : FULL);
  const [ours] = entries;
  const { dims, input_size } = NETWORK;
  const report: TrainingPeersReport = {
    date: new Date().toISOString().split('T')[0],
    quick: quick ?? false,
    what: `a step of training, dims ${dims.join(',')}, ${input_size.join('x')}, batch ${BATCH}, Adam, float32`,
    rows: entries.map((entry) => rowOf(entry, ours)),
  };
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : formatTrainers(report)}\n`);
  if (ours.missing !== null) process.exitCode = 1;
}

await new Command('bench/peers/src/training/main.ts')
  .description('Compares a training step with other runtimes, on the current Node.')
  .option('--quick', 'one short round, to test the benchmark')
  .option('--json', 'print JSON')
  .addHelpText('after', '\nSet VANILLANET_PYTHON to a Python with PyTorch.')
  .action(bench)
  .parseAsync();

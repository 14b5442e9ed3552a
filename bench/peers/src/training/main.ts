/**
 * Training elsewhere, against ours: the same weights, batch and optimizer, one thread,
 * each measurement in a process of its own, in turn. `npm run bench -- training` runs it.
 */
import { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PYTHON, versionAt } from '../candidates.js';
import { exchange, RuntimeFailure } from '../exchange.js';
import { PACKAGE, ROOT } from '../paths.js';
import { makeReady } from '../ready.js';
import { median } from '../statistics.js';
import { EXPECTED, FOLDER, TOLD } from './files.js';
import type { TrainerName, TrainingJob, TrainingMessage } from './job.js';
import { formatTrainers, type TrainerRow, type TrainerTiming, type TrainingPeersReport } from './report.js';
import { ADAM, BATCH, BATCH_NORM, LAMBDA, NETWORK } from './task.js';

/**
 * Of the first loss, relative: float32's rounding, 6e-8, through a dozen layers that keep
 * the scale of their input comes to some 1e-6. A slope λ off by 0.01 is 7e-5, another ε in
 * the norms 1e-4.
 */
const FIRST = 1e-5;
/**
 * After three steps: Adam moves a parameter whose gradient is nothing but rounding as far as
 * any other, and a maximum that rounding decides moves others. Two memory formats of PyTorch
 * came to 2e-5 so. Steps 1% too long are 6e-5, moments that nobody corrects 6e-3; a wrong β
 * hardly shows this early.
 */
const LAST = 5e-5;

interface Trainer {
  readonly label: string;
  /** Where its version stands; null for what npm does not install. */
  readonly manifest: string | null;
  readonly how: string | null;
  readonly native: boolean;
}

/** In the order of measuring: ours first, since all ratios are to it. */
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
  /** Timed steps a round. */
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

/** A trainer, and what is known of it so far. */
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

/** Progress goes to stderr, so that stdout is the report alone. */
const say = (text: string): void => {
  process.stderr.write(`bench:training: ${text}\n`);
};

const CHILD = join(PACKAGE, 'dist/training/child.js');
const PYTORCH = join(PACKAGE, 'src/training/runtimes/pytorch.py');

const isPython = (name: TrainerName): boolean => name.startsWith('pytorch');

async function measure(name: TrainerName, { warmUp, steps }: Effort): Promise<Measurement> {
  const job: TrainingJob = {
    ...{ trainer: name, folder: FOLDER, network: NETWORK, batch: BATCH, lambda: LAMBDA, adam: ADAM },
    ...{ batchNorm: BATCH_NORM, told: TOLD, warmUp, steps },
  };
  const [program, script] = isPython(name) ? [PYTHON ?? 'python3', PYTORCH] : [process.execPath, CHILD];
  const { messages, failure } = await exchange<TrainingMessage>(program, script, job);
  const losses = messages.find((message) => message.event === 'losses');
  const done = messages.find((message) => message.event === 'done');
  if (losses === undefined || (steps > 0 && done === undefined)) throw failure();
  const { values, version = null, how = null } = losses;
  return { losses: values, ms: done?.ms ?? [], loss: done?.loss ?? NaN, version, how };
}

/** @returns null where it failed, which is noted as the reason that its times are missing */
async function attempt(entry: Entry, effort: Effort): Promise<Measurement | null> {
  try {
    return await measure(entry.name, effort);
  } catch (error) {
    if (!(error instanceof RuntimeFailure)) throw error;
    entry.missing = `SKIPPED ${error.message}`;
    say(`${entry.name}: ${entry.missing}`);
    return null;
  }
}

const offBy = (value: number | undefined, right: number): number =>
  value === undefined || Number.isNaN(value) ? Infinity : Math.abs(value - right) / Math.abs(right);

/** Every process begins with the same weights, and so with the same losses. */
function judge(entry: Entry, losses: readonly number[], right: readonly number[]): void {
  entry.first = Math.max(entry.first ?? 0, offBy(losses.at(0), right[0]));
  entry.last = Math.max(entry.last ?? 0, offBy(losses.at(TOLD - 1), right[TOLD - 1]));
  if (entry.first > FIRST) entry.missing = `WRONG first loss: off by ${entry.first.toExponential(1)} of it`;
  else if (entry.last > LAST) entry.missing = `WRONG loss after 3 steps: off by ${entry.last.toExponential(1)} of it`;
  else return;
  say(`${entry.name}: ${entry.missing}`);
}

/** Losses of all before anything is timed: ours against the oracle's, the others against ours where it is right. */
async function checkAgreement(entries: readonly Entry[]): Promise<readonly number[]> {
  const expected = JSON.parse(await readFile(join(FOLDER, EXPECTED), 'utf8')) as number[];
  let right = expected;
  for (const entry of entries) {
    if (isPython(entry.name) && PYTHON === undefined) {
      entry.missing = 'SKIPPED VANILLANET_PYTHON names no Python with torch';
      continue;
    }
    say(`${entry.name}: losses`);
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

/** Round after round, everyone once a round, so that drift of the machine hits all alike. */
async function time(entries: readonly Entry[], right: readonly number[], effort: Effort): Promise<void> {
  const [ours] = entries;
  for (let round = 1; round <= effort.rounds; round++) {
    for (const entry of entries) {
      // Without ours in a round there is nothing to compare with.
      if (entry.missing !== null || ours.missing !== null) continue;
      say(`${entry.name}: round ${round} of ${effort.rounds}`);
      const answer = await attempt(entry, effort);
      if (answer === null) continue;
      judge(entry, answer.losses, entry === ours ? ours.losses : right);
      // Code that was optimized since must still learn.
      if (!(answer.loss < answer.losses[0])) entry.missing = `WRONG in the end: a loss of ${answer.loss}`;
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

function rowOf({ name, rounds, missing, ...known }: Entry, ours: Entry): TrainerRow {
  const { label, native } = TRAINERS[name];
  const timed = missing === null && ours.missing === null && rounds.length > 0;
  const timing = timed ? timingOf(rounds, ours.rounds) : null;
  const reason = timing === null ? (missing ?? 'SKIPPED there is no time of ours to compare with') : null;
  return { trainer: name, label, native, ...known, missing: reason, timing };
}

async function bench({ quick, json }: { readonly quick?: true; readonly json?: true }): Promise<void> {
  makeReady(say, 'bench/peers/dist/training/prepare.js');
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
  .description('A step of training in other runtimes against ours, on the Node that runs this.')
  .option('--quick', 'one short round, to see that everything works')
  .option('--json', 'print JSON')
  .addHelpText('after', '\nVANILLANET_PYTHON names the Python to run PyTorch with.')
  .action(bench)
  .parseAsync();

/**
 * Compares VanillaNet-5 in this package with the runtimes that a user could choose instead: the same weights and
 * images, in one run, each measurement in a separate process, in turn.
 *
 *     npm run bench:peers            prints a table and writes bench/results/<date>-peers-node<version>.json
 */
import { Command, InvalidArgumentError } from 'commander';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { candidatesOf, isRuntime, RUNTIMES, unavailable, versionOf, type Candidate } from './candidates.js';
import { RuntimeFailure } from './exchange.js';
import type { Job, RuntimeName } from './job.js';
import { measure, type Measurement } from './measure.js';
import { EXPECTED } from './models/files.js';
import { MODELS, ROOT } from './paths.js';
import { makeReady } from './ready.js';
import { countThreads, formatReport, type Report, type Round, type Row, type Timing } from './report.js';
import { difference, median } from './statistics.js';

/** Largest accepted difference relative to the largest logit. Rounding errors are smaller. */
const TOLERANCE = 1e-4;
const PEAK_AFTER_IMAGES = 10;

interface Effort {
  readonly rounds: number;
  /** Timed runs per round, by batch size. */
  readonly runs: Readonly<Record<number, number>>;
  readonly warmUp: { readonly images: number; readonly ms: number };
}

/** Warm-up counts images: one run of a batch of 8 executes the code of an image eight times. */
const FULL: Effort = { rounds: 3, runs: { 1: 15, 8: 5 }, warmUp: { images: 5, ms: 2000 } };
/** The first run, two warm-up runs and seven timed runs add up to the ten images after which memory is read. */
const QUICK: Effort = { rounds: 1, runs: { 1: 7 }, warmUp: { images: 2, ms: 0 } };

interface Options {
  readonly only?: readonly RuntimeName[];
  readonly quick?: true;
  readonly json?: true;
}

/** A candidate at one batch size, with its results so far. */
interface Entry extends Candidate {
  readonly batch: number;
  version: string | null;
  missing: string | null;
  difference: number | null;
  logits: readonly number[];
  binaries: readonly string[];
  readonly rounds: Measurement[];
}

const isThisPackage = ({ runtime }: Candidate): boolean => runtime === 'vanillanet';

/** Logs progress to stderr: stdout contains only the report. */
const log = (text: string): void => {
  process.stderr.write(`bench:peers: ${text}\n`);
};

function jobOf({ runtime, threads, batch }: Entry, effort: Effort, timed: boolean): Job {
  const { images, ms } = effort.warmUp;
  return {
    runtime,
    threads,
    batch,
    models: MODELS,
    warmUp: { runs: Math.ceil(images / batch), ms },
    runs: timed ? effort.runs[batch] : 0,
    peakAfter: Math.ceil(PEAK_AFTER_IMAGES / batch),
  };
}

const nameOf = ({ runtime, threads, batch }: Entry): string => `${runtime}, batch ${batch}, ${countThreads(threads)}`;

/** Measures an entry. @returns null if it failed; the reason is stored in `missing` */
async function attempt(entry: Entry, job: Job): Promise<Measurement | null> {
  try {
    return await measure(job);
  } catch (error) {
    if (!(error instanceof RuntimeFailure)) throw error;
    entry.missing = `SKIPPED ${error.message}`;
    log(`${nameOf(entry)}: ${entry.missing}`);
    return null;
  }
}

function judge(entry: Entry, logits: readonly number[], right: readonly number[]): void {
  const distance = difference(logits, right);
  entry.difference = Math.max(entry.difference ?? 0, distance);
  if (distance <= TOLERANCE) return;
  entry.missing = `WRONG logits: off by ${distance.toExponential(1)} of the largest`;
  log(`${nameOf(entry)}: ${entry.missing}`);
}

/**
 * Checks the first logits of all entries of one batch size: this package's against the reference, the others against
 * this package's if those are correct.
 */
async function checkAgreement(entries: readonly Entry[], effort: Effort): Promise<void> {
  const expected = JSON.parse(await readFile(join(MODELS, EXPECTED), 'utf8')) as number[];
  for (const entry of entries) {
    const reason = unavailable(entry);
    if (reason !== null) {
      entry.missing = `SKIPPED ${reason}`;
      continue;
    }
    log(`${nameOf(entry)}: logits`);
    const answer = await attempt(entry, jobOf(entry, effort, false));
    if (answer === null) continue;
    entry.logits = answer.first;
    entry.binaries = answer.binaries;
    entry.version ??= answer.version;
  }
  const running = entries.filter(({ missing }) => missing === null);
  // The reference is too slow for more than the first image. On the rest, the others are compared with this package.
  const firstImage = (logits: readonly number[]): readonly number[] => logits.slice(0, expected.length);
  for (const entry of running.filter(isThisPackage)) judge(entry, firstImage(entry.logits), expected);
  const ours = running.find((entry) => isThisPackage(entry) && entry.missing === null);
  for (const entry of running) {
    if (ours === undefined && !isThisPackage(entry)) judge(entry, firstImage(entry.logits), expected);
    else if (ours !== undefined && entry !== ours) judge(entry, entry.logits, ours.logits);
  }
  // Runtimes that are correct on the first image can check this package on the rest.
  const witnesses = running.filter(
    (entry) => !isThisPackage(entry) && difference(firstImage(entry.logits), expected) <= TOLERANCE,
  );
  const contradicted = witnesses.every(({ missing }) => missing !== null);
  if (ours !== undefined && contradicted && new Set(witnesses.map(({ runtime }) => runtime)).size > 1) {
    ours.missing = 'WRONG logits: correct on the first image, but no other runtime agrees on the rest';
  }
}

/** Times every entry once in each round, so that a drift of the machine affects all of them equally. */
async function time(entries: readonly Entry[], ours: Entry, effort: Effort): Promise<void> {
  for (let round = 1; round <= effort.rounds; round++) {
    for (const entry of entries) {
      if (entry.missing !== null) continue;
      log(`${nameOf(entry)}: round ${round} of ${effort.rounds}`);
      const measurement = await attempt(entry, jobOf(entry, effort, true));
      if (measurement === null) continue;
      entry.rounds.push(measurement);
      // The logits must stay correct after V8 has optimized the code.
      judge(entry, measurement.last, ours.logits);
    }
  }
}

const round2 = (value: number): number => Math.round(value * 100) / 100;

function timingOf(entry: Entry, ours: Entry): Timing {
  const { rounds } = entry;
  const all = rounds.flatMap(({ ms }) => ms);
  const ratios = rounds.map(({ ms }, i) => median(ms) / median(ours.rounds[i].ms));
  const peaks = rounds.flatMap(({ rssKiB }) => (rssKiB === null ? [] : [rssKiB]));
  return {
    runs: all.length,
    minMs: round2(Math.min(...all)),
    medianMs: round2(median(all)),
    ratio: round2(median(ratios)),
    ratios: ratios.map(round2),
    coldMs: round2(median(rounds.map(({ coldMs }) => coldMs))),
    rssMiB: peaks.length === 0 ? null : round2(median(peaks) / 1024),
    rounds: rounds.map(({ ms, coldMs, rssKiB }): Round => ({ ms: ms.map(round2), coldMs: round2(coldMs), rssKiB })),
  };
}

const sizes = new Map<string, { readonly bytes: number; readonly gzip: number }>();

async function sizeOf(binaries: readonly string[]): Promise<Row['binary']> {
  if (binaries.length === 0) return null;
  let [bytes, gzip] = [0, 0];
  for (const file of binaries) {
    let size = sizes.get(file);
    if (size === undefined) {
      const content = await readFile(file);
      size = { bytes: content.length, gzip: gzipSync(content, { level: 9 }).length };
      sizes.set(file, size);
    }
    bytes += size.bytes;
    gzip += size.gzip;
  }
  return { bytes, gzip };
}

async function rowOf(entry: Entry, entries: readonly Entry[]): Promise<Row> {
  const { runtime, threads, batch, version, missing, difference: distance } = entry;
  const timed = entries.filter((other) => isThisPackage(other) && other.missing === null && other.rounds.length > 0);
  // Relative to this package on the same number of threads, or on one if that was not measured.
  const ours = timed.find((other) => other.threads === threads) ?? timed.at(0);
  const timing = missing === null && ours !== undefined ? timingOf(entry, ours) : null;
  const { label, native } = RUNTIMES[runtime];
  const binary = missing === null ? await sizeOf(entry.binaries) : null;
  return { runtime, label, version, native, threads, batch, difference: distance, missing, timing, binary };
}

/** The largest difference between any two correct runtimes. */
function spread(entries: readonly Entry[]): number {
  const correct = entries.filter(({ missing }) => missing === null);
  const pairs = correct.flatMap((a, i) => correct.slice(i + 1).map((b) => difference(a.logits, b.logits)));
  return pairs.reduce((a, b) => Math.max(a, b), 0);
}

async function write({ date, ...report }: Report): Promise<void> {
  const file = `bench/results/${date}-peers-node${process.versions.node.split('.')[0]}.json`;
  await mkdir(join(ROOT, 'bench/results'), { recursive: true });
  await writeFile(join(ROOT, file), `${JSON.stringify({ date, ...report }, null, 2)}\n`);
  log(file);
}

async function bench({ only, quick, json }: Options): Promise<void> {
  makeReady(log, 'bench/peers/dist/models/prepare.js');
  const effort = quick ? QUICK : FULL;
  const runtimes = Object.keys(RUNTIMES).filter(isRuntime);
  const chosen = runtimes.filter((name) => name === 'vanillanet' || (only?.includes(name) ?? true));
  const versions = new Map(await Promise.all(chosen.map(async (name) => [name, await versionOf(name)] as const)));
  const loadBefore = loadavg();

  const groups = Object.keys(effort.runs).map((batch) =>
    candidatesOf(chosen).map((candidate): Entry => ({
      ...candidate,
      batch: Number(batch),
      version: versions.get(candidate.runtime) ?? null,
      missing: null,
      difference: null,
      logits: [],
      binaries: [],
      rounds: [],
    })),
  );
  for (const entries of groups) await checkAgreement(entries, effort);
  for (const entries of groups) {
    const ours = entries.find((entry) => isThisPackage(entry) && entry.missing === null);
    if (ours !== undefined) await time(entries, ours, effort);
    else for (const entry of entries) entry.missing ??= 'SKIPPED no time of this package to compare with';
  }

  const [cpu] = cpus();
  const report: Report = {
    date: new Date().toISOString().split('T')[0],
    quick: quick ?? false,
    network: 'VanillaNet-5, deploy form, 1000 classes, 224x224, float32, random weights',
    machine: {
      cpu: cpu.model,
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
      platform: `${process.platform} ${process.arch}`,
      node: process.versions.node,
      v8: process.versions.v8,
      loadBefore,
      loadAfter: loadavg(),
    },
    largestDifference: Object.fromEntries(groups.map((entries) => [entries[0].batch, spread(entries)])),
    rows: await Promise.all(groups.flatMap((entries) => entries.map((entry) => rowOf(entry, entries)))),
  };
  process.stdout.write(`${json ? JSON.stringify(report, null, 2) : formatReport(report)}\n`);
  // Only complete runs are stored. With --json, the caller has the report.
  if (!quick && !json && only === undefined) await write(report);

  const failed = groups.flat().some((entry) => isThisPackage(entry) && entry.threads === 1 && entry.missing !== null);
  const wrong = groups.flat().some((entry) => isThisPackage(entry) && entry.missing?.startsWith('WRONG'));
  if (failed || wrong) process.exitCode = 1;
}

function names(text: string): RuntimeName[] {
  return text.split(',').map((name) => {
    if (!isRuntime(name)) throw new InvalidArgumentError(`Expected names of ${Object.keys(RUNTIMES).join(', ')}.`);
    return name;
  });
}

await new Command('npm run bench:peers --')
  .description(
    'Compares VanillaNet-5 at 224x224 with other runtimes, on the current Node. Takes about half an hour; ' +
      'writes bench/results/<date>-peers-node<version>.json unless --quick, --only or --json is given.',
  )
  .option('--only <names>', `only this package and these: ${Object.keys(RUNTIMES).join(', ')}`, names)
  .option('--quick', 'one short round at batch 1, to test the benchmark')
  .option('--json', 'print JSON')
  .addHelpText('after', '\nSet VANILLANET_PYTHON to a Python with PyTorch.')
  .action(bench)
  .parseAsync();

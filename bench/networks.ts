/**
 * Measures every variant by `vanillanet bench`, each in a separate process: weights read from a file, batches of 1 and
 * 8, 1 and 2 threads. Each round measures every variant once, so that a slowdown of the machine affects all of them
 * equally.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BenchReport } from '../src/cli/bench.js';
import { randomWeights } from '../src/cli/randomWeights.js';
import { median } from '../src/cli/median.js';
import { table } from '../src/cli/print.js';
import { resolveConfig, type VariantName } from '../src/core/config.js';
import { collectState } from '../src/core/weights.js';
import { writeConfig } from '../src/io/configMetadata.js';
import { encodeSafetensors } from '../src/io/safetensors.js';
import { rounded } from './statistics.js';

export interface NetworkRow {
  readonly variant: VariantName;
  readonly macs: number;
  readonly build: string;
  /** Medians over the rounds: from the start of the process to its first logits, and its peak memory by then. */
  readonly firstLogitsMs: number;
  readonly peakRssMiB: number;
  readonly times: readonly {
    readonly threads: number;
    readonly batch: number;
    readonly medianMs: number;
    readonly gmacPerSecond: number;
  }[];
  /** GMAC/s relative to VanillaNet-5's, on one thread in batches of 1. */
  readonly toFirst: number;
  /** Speed of two threads relative to one, in batches of 1. */
  readonly twoThreads: number;
  /** Images per second in batches of 8 relative to batches of 1, on one thread. */
  readonly batchOf8: number;
}

export interface NetworkEffort {
  readonly rounds: number;
  /** Timed runs per round. */
  readonly single: number;
  readonly batches: number;
}

const MAIN = 'dist/node/cli.js';

async function bench(weights: string, batch: string, runs: number): Promise<BenchReport> {
  const args = [MAIN, 'bench', '-w', weights, '--threads', '1,2', '--batch', batch, '--runs', `${runs}`, '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as BenchReport;
}

async function writeWeights(path: string, variant: VariantName): Promise<void> {
  const config = resolveConfig({ variant, form: 'deploy' });
  await writeFile(
    path,
    encodeSafetensors(await collectState(randomWeights(config)), { metadata: writeConfig(config) }),
  );
}

const rowAt = ({ rows }: BenchReport, threads: number, batch: number) => {
  const match = rows.find((row) => row.threads === threads && row.batch === batch);
  if (match === undefined) throw new Error(`no measurement with ${threads} threads in batches of ${batch}`);
  return match;
};

interface RoundReports {
  readonly single: BenchReport;
  readonly batches: BenchReport;
}

function summarize(variant: VariantName, rounds: readonly RoundReports[], first: readonly RoundReports[]): NetworkRow {
  const medianOf = (value: (round: RoundReports, i: number) => number): number => median(rounds.map(value));
  const speed = ({ single }: RoundReports, threads: number): number => rowAt(single, threads, 1).gmacPerSecond;
  const times = [1, 2].flatMap((threads) =>
    [1, 8].map((batch) => {
      const at = (round: RoundReports) => rowAt(batch === 1 ? round.single : round.batches, threads, batch);
      return {
        threads,
        batch,
        medianMs: medianOf((round) => at(round).medianMs),
        gmacPerSecond: medianOf((round) => at(round).gmacPerSecond),
      };
    }),
  );
  const [{ single }] = rounds;
  return {
    variant,
    macs: single.macs,
    build: single.build,
    firstLogitsMs: medianOf((round) => round.single.firstLogitsMs),
    peakRssMiB: medianOf((round) => round.single.peakRssMiB),
    times,
    toFirst: medianOf((round, i) => speed(round, 1) / speed(first[i], 1)),
    twoThreads: medianOf((round) => speed(round, 2) / speed(round, 1)),
    batchOf8: medianOf(({ batches }) => rowAt(batches, 1, 8).imagesPerSecond / rowAt(batches, 1, 1).imagesPerSecond),
  };
}

/** @param log called with progress messages */
export async function benchNetworks(
  variants: readonly VariantName[],
  { rounds, single, batches }: NetworkEffort,
  log: (text: string) => void,
): Promise<NetworkRow[]> {
  const folder = await mkdtemp(join(tmpdir(), 'vanillanet-bench-'));
  try {
    const fileOf = (variant: VariantName): string => join(folder, `${variant}.safetensors`);
    for (const variant of variants) await writeWeights(fileOf(variant), variant);
    const reports = new Map(variants.map((variant) => [variant, [] as RoundReports[]]));
    for (let round = 1; round <= rounds; round++) {
      for (const [variant, all] of reports) {
        log(`${variant}: round ${round} of ${rounds}`);
        const file = fileOf(variant);
        all.push({ single: await bench(file, '1', single), batches: await bench(file, '1,8', batches) });
      }
    }
    const [first] = reports.values();
    return [...reports].map(([variant, all]) => summarize(variant, all, first));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const formatNetworks = (rows: readonly NetworkRow[]): string =>
  table([
    [
      'whole networks, 224x224',
      'GMAC',
      ...rows[0].times.map(({ threads, batch }) => `ms ${threads}t b${batch}`),
      'GMAC/s',
      'to the first',
      '2t / 1t',
      'b8 / b1',
      'first logits ms',
      'peak MiB',
    ],
    ...rows.map(({ variant, macs, times, toFirst, twoThreads, batchOf8, firstLogitsMs, peakRssMiB }) => [
      variant,
      rounded(macs / 1e9),
      ...times.map(({ medianMs }) => rounded(medianMs)),
      ...[times[0].gmacPerSecond, toFirst, twoThreads, batchOf8].map(rounded),
      Math.round(firstLogitsMs),
      Math.round(peakRssMiB),
    ]),
  ]);

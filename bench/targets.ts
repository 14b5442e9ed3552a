/** What engine and training are meant to reach, beside what was measured. */
import type { Report } from './peers/src/report.js';
import type { TrainerRow, TrainingPeersReport } from './peers/src/training/report.js';
import { table } from '../src/cli/print.js';
import type { EngineReport } from './engine.js';
import type { EpochReport } from './epoch.js';
import type { NetworkRow } from './networks.js';
import type { SizeRow } from './sizes.js';
import { rounded } from './statistics.js';
import type { TrainingRow } from './training.js';

export interface TrainingMeasurements {
  readonly steps: readonly TrainingRow[];
  readonly epoch: EpochReport;
  /** Null where the peers could not run at all. */
  readonly peers: TrainingPeersReport | null;
}

export interface Measurements {
  readonly engine?: readonly EngineReport[];
  readonly networks?: readonly NetworkRow[];
  readonly sizes?: readonly SizeRow[];
  readonly training?: TrainingMeasurements;
  readonly peers?: Report | null;
}

export interface Target {
  readonly what: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Null where it was not measured: the peer could not run. */
  readonly measured: number | null;
  readonly holds: boolean;
}

const atLeast = (what: string, least: number, measured: number | null): Target => ({
  what,
  atLeast: least,
  measured,
  holds: measured !== null && measured >= least,
});
const atMost = (what: string, most: number, measured: number): Target => ({
  what,
  atMost: most,
  measured,
  holds: measured <= most,
});

/** Whoever multiplies and adds in one instruction is compared with what can do so, too. */
const TIMES = {
  plain: { 'onnxruntime-web': 2.1 },
  relaxed: { litert: 2.4, 'onnxruntime-web': 2.8, pytorch: 1 },
} as const satisfies Record<string, Partial<Record<Report['rows'][number]['runtime'], number>>>;

function peerTargets({ rows }: Report, build: 'plain' | 'relaxed'): Target[] {
  const single = rows.filter(({ threads, batch }) => threads === 1 && batch === 1);
  const targets: Target[] = [];
  const ours = single.find(({ runtime }) => runtime === 'vanillanet');
  for (const { runtime, label, native, timing } of single) {
    if (runtime === 'vanillanet') continue;
    const times = (TIMES[build] as Readonly<Record<string, number | undefined>>)[runtime];
    const ratio = timing?.ratio ?? null;
    if (times !== undefined) targets.push(atLeast(`ms of ${label} / ms of the ${build} build`, times, ratio));
    if (runtime === 'pytorch') continue;
    const cold = timing === null || ours?.timing == null ? null : timing.coldMs / ours.timing.coldMs;
    targets.push(atLeast(`first logits of ${label} / of ours`, native ? 1 : 2, cold));
  }
  if (ours?.timing?.rssMiB != null) {
    targets.push(atMost('peak memory in MB', 170, (ours.timing.rssMiB * 2 ** 20) / 1e6));
  }
  return targets;
}

/** What PyTorch does when it is tuned is told beside it, and asked of nobody. */
const TRAINING_TIMES = { 'jax-js': 12, pytorch: 1.5 } as const satisfies Partial<Record<TrainerRow['trainer'], number>>;

function trainingTargets({ steps, epoch, peers }: TrainingMeasurements): Target[] {
  const elsewhere = peers?.rows ?? [];
  return [
    ...steps.map(({ build, threads, medianMs, toOneThread }) =>
      threads === 1
        ? atMost(`ms a step of training, ${build}, 1 thread`, 60, medianMs)
        : atLeast(`${threads} threads / one in training, ${build}`, 1.7, toOneThread),
    ),
    atMost(`seconds an epoch of 50,000 images, ${epoch.build}, ${epoch.threads} threads`, 90, epoch.secondsOfWhole),
    ...Object.entries(TRAINING_TIMES).map(([trainer, times]) => {
      const row = elsewhere.find((other) => other.trainer === trainer);
      return atLeast(`ms a step of ${row?.label ?? trainer} / of ours`, times, row?.timing?.ratio ?? null);
    }),
  ];
}

/** All that these measurements can tell. */
export function targetsOf({ engine = [], networks = [], sizes = [], training, peers }: Measurements): Target[] {
  const relaxed = engine.some(({ build }) => build === 'relaxed') || networks.some(({ build }) => build === 'relaxed');
  const [first] = networks;
  return [
    ...(peers == null ? [] : peerTargets(peers, relaxed ? 'relaxed' : 'plain')),
    ...engine.map(({ build, shareOfPeak }) =>
      atLeast(`share of what a loop over registers reaches, ${build}`, build === 'plain' ? 0.95 : 0.9, shareOfPeak),
    ),
    ...engine.flatMap(({ build, tiles, peak }) =>
      tiles.map(({ name, gmacPerSecond }) =>
        atLeast(`share of what a loop over registers reaches, ${name}, ${build}`, 0.75, gmacPerSecond / peak),
      ),
    ),
    ...(networks.length === 0
      ? []
      : [
          atLeast('two threads / one, VanillaNet-5', 1.9, first.twoThreads),
          atLeast('images/s in batches of 8 / of 1, VanillaNet-5', 1, first.batchOf8),
        ]),
    ...(training === undefined ? [] : trainingTargets(training)),
    ...networks.slice(1).map(({ variant, toFirst }) => atLeast(`GMAC/s of ${variant} / VanillaNet-5`, 0.92, toFirst)),
    ...sizes.map(({ module, gzip }) => atMost(`bytes of ${module}, gzip`, 24_000, gzip)),
  ];
}

export const formatTargets = (targets: readonly Target[]): string =>
  table([
    ['what is meant to hold', 'asked', 'measured', ''],
    ...targets.map(({ what, atLeast: least, atMost: most, measured, holds }) => [
      what,
      least === undefined ? `<= ${most ?? ''}` : `>= ${least}`,
      measured === null ? 'not measured' : `${rounded(measured)}`,
      measured === null ? '' : holds ? 'holds' : 'MISSED',
    ]),
  ]);

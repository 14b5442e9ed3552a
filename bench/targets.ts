/** The targets of the engine and of training, each with the measured value and a verdict. */
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
  /** Null if the peers could not run. */
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
  /** The quantity, with its unit or what it is divided by. */
  readonly quantity: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Null if the peer could not run. */
  readonly measured: number | null;
  readonly holds: boolean;
}

const atLeast = (quantity: string, limit: number, measured: number | null): Target => ({
  quantity,
  atLeast: limit,
  measured,
  holds: measured !== null && measured >= limit,
});
const atMost = (quantity: string, limit: number, measured: number): Target => ({
  quantity,
  atMost: limit,
  measured,
  holds: measured <= limit,
});

/**
 * How many times as long as this package each peer should take for one image on one thread. The relaxed build, which
 * has fused multiply-adds, is also compared with the peers that have them.
 */
const INFERENCE_RATIOS = {
  plain: { 'onnxruntime-web': 2.1 },
  relaxed: { litert: 2.4, 'onnxruntime-web': 2.8, pytorch: 1 },
} as const satisfies Record<string, Partial<Record<Report['rows'][number]['runtime'], number>>>;

/** Targets against other runtimes: time of an image, time to the first logits (cold start), and peak memory. */
function peerTargets({ rows }: Report, build: 'plain' | 'relaxed'): Target[] {
  const singleThread = rows.filter(({ threads, batch }) => threads === 1 && batch === 1);
  const ownTiming = singleThread.find(({ runtime }) => runtime === 'vanillanet')?.timing ?? null;
  const targets: Target[] = [];
  for (const { runtime, label, native, timing } of singleThread) {
    if (runtime === 'vanillanet') continue;
    const limit = (INFERENCE_RATIOS[build] as Readonly<Record<string, number | undefined>>)[runtime];
    if (limit !== undefined) {
      targets.push(atLeast(`ms of ${label} / ms of the ${build} build`, limit, timing?.ratio ?? null));
    }
    // PyTorch's start includes Python's, which is not comparable.
    if (runtime === 'pytorch') continue;
    const coldRatio = timing === null || ownTiming === null ? null : timing.coldMs / ownTiming.coldMs;
    targets.push(atLeast(`first logits of ${label} / of this package`, native ? 1 : 2, coldRatio));
  }
  if (ownTiming?.rssMiB != null) targets.push(atMost('peak memory in MB', 170, (ownTiming.rssMiB * 2 ** 20) / 1e6));
  return targets;
}

/** How many times as long as this package each peer should take for a training step. Tuned PyTorch has no target. */
const TRAINING_RATIOS = { 'jax-js': 12, pytorch: 1.5 } as const satisfies Partial<
  Record<TrainerRow['trainer'], number>
>;

function trainingTargets({ steps, epoch, peers }: TrainingMeasurements): Target[] {
  const peerRows = peers?.rows ?? [];
  return [
    ...steps.map(({ build, threads, medianMs, toOneThread }) =>
      threads === 1
        ? atMost(`ms per training step, ${build}, 1 thread`, 60, medianMs)
        : atLeast(`${threads} threads / 1 thread in training, ${build}`, 1.7, toOneThread),
    ),
    atMost(`seconds per epoch of 50,000 images, ${epoch.build}, ${epoch.threads} threads`, 90, epoch.secondsOfWhole),
    ...Object.entries(TRAINING_RATIOS).map(([trainer, limit]) => {
      const row = peerRows.find((peer) => peer.trainer === trainer);
      return atLeast(`ms per step of ${row?.label ?? trainer} / of this package`, limit, row?.timing?.ratio ?? null);
    }),
  ];
}

/** All targets that these measurements cover. */
export function targetsOf({ engine = [], networks = [], sizes = [], training, peers }: Measurements): Target[] {
  const relaxed = engine.some(({ build }) => build === 'relaxed') || networks.some(({ build }) => build === 'relaxed');
  const [first] = networks;
  return [
    ...(peers == null ? [] : peerTargets(peers, relaxed ? 'relaxed' : 'plain')),
    ...engine.map(({ build, shareOfPeak }) =>
      atLeast(`share of the peak of a register-only loop, ${build}`, build === 'plain' ? 0.95 : 0.9, shareOfPeak),
    ),
    ...engine.flatMap(({ build, tiles, peak }) =>
      tiles.map(({ name, gmacPerSecond }) =>
        atLeast(`share of the peak of a register-only loop, ${name}, ${build}`, 0.75, gmacPerSecond / peak),
      ),
    ),
    ...(networks.length === 0
      ? []
      : [
          atLeast('2 threads / 1 thread, VanillaNet-5', 1.9, first.twoThreads),
          atLeast('images/s in batches of 8 / of 1, VanillaNet-5', 1, first.batchOf8),
        ]),
    ...(training === undefined ? [] : trainingTargets(training)),
    ...networks.slice(1).map(({ variant, toFirst }) => atLeast(`GMAC/s of ${variant} / VanillaNet-5`, 0.92, toFirst)),
    ...sizes.map(({ module, gzip }) => atMost(`bytes of ${module}, gzip`, 24_000, gzip)),
  ];
}

export const formatTargets = (targets: readonly Target[]): string =>
  table([
    ['quantity', 'target', 'measured', 'verdict'],
    ...targets.map(({ quantity, atLeast: least, atMost: most, measured, holds }) => [
      quantity,
      least === undefined ? `<= ${most ?? ''}` : `>= ${least}`,
      measured === null ? 'not measured' : `${rounded(measured)}`,
      measured === null ? 'NOT MEASURED' : holds ? 'holds' : 'MISSED',
    ]),
  ]);

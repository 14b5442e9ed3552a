/**
 * Steps of training on the engine: forward, backward, Adam. Builds and numbers of
 * threads take turns, round after round, so that a machine that slows down slows all
 * alike; what two threads gain is told by pairs of the same round.
 */
import { uniform } from '../reference/index.js';
import { median } from '../src/cli/median.js';
import { table } from '../src/cli/print.js';
import { resolveConfig } from '../src/core/config.js';
import { initialState } from '../src/train/initialState.js';
import type { Build } from '../src/wasm/build.js';
import { sourceOf } from '../src/wasm/inference/build.js';
import { validates } from '../src/wasm/module.js';
import { planTraining } from '../src/wasm/training/layout.js';
import { TrainingSession } from '../src/wasm/training/session.js';
import { ADAM, BATCH, drawBatch, LAMBDA, NETWORK, SEED } from './peers/src/training/task.js';
import { rounded } from './statistics.js';

export interface TrainingEffort {
  readonly rounds: number;
  /** Timed steps a round. */
  readonly steps: number;
  /** Untimed ones before the first, until the optimizing compiler is done. */
  readonly warmUp: number;
}

export interface TrainingRow {
  readonly build: Build;
  readonly threads: number;
  readonly minMs: number;
  /** Median over the rounds of their medians, which follow. */
  readonly medianMs: number;
  readonly rounds: readonly number[];
  readonly imagesPerSecond: number;
  /** Bytes of linear memory, as told before anything is allocated. */
  readonly plannedBytes: number;
  /** Median over the rounds: one thread's milliseconds by these. */
  readonly toOneThread: number;
}

const THREADS = [1, 2] as const;

/** What one session took: of every round, the milliseconds of its steps. */
interface Measured {
  readonly build: Build;
  readonly threads: number;
  readonly session: TrainingSession;
  readonly rounds: number[][];
}

const config = resolveConfig(NETWORK);

function rowOf({ build, threads, rounds }: Measured, alone: Measured): TrainingRow {
  const medians = rounds.map(median);
  const medianMs = median(medians);
  return {
    build,
    threads,
    minMs: Math.min(...rounds.flat()),
    medianMs,
    rounds: medians,
    imagesPerSecond: (1000 * BATCH) / medianMs,
    plannedBytes: planTraining(config, BATCH, { threads }).arena.end,
    toOneThread: median(medians.map((ms, round) => median(alone.rounds[round]) / ms)),
  };
}

export async function benchTraining({ rounds, steps, warmUp }: TrainingEffort): Promise<TrainingRow[]> {
  const builds: readonly Build[] = validates(sourceOf('relaxed')) ? ['plain', 'relaxed'] : ['plain'];
  const state = initialState(config, SEED);
  const { x, targets } = drawBatch(uniform);
  const all: Measured[] = [];
  const step = (session: TrainingSession): number => {
    const begin = performance.now();
    session.pass(x, targets, LAMBDA);
    session.optimize(ADAM);
    return performance.now() - begin;
  };
  try {
    for (const build of builds) {
      for (const threads of THREADS) {
        const session = await TrainingSession.open(state, config, { batchSize: BATCH, build, threads });
        all.push({ build, threads, session, rounds: [] });
      }
    }
    for (const { session } of all) for (let i = 0; i < warmUp; i++) step(session);
    for (let round = 0; round < rounds; round++) {
      for (const { session, rounds: taken } of all) {
        // The first after another's finds the caches full of that one's numbers.
        step(session);
        taken.push(Array.from({ length: steps }, () => step(session)));
      }
    }
  } finally {
    for (const { session } of all) session.dispose();
  }
  return all.map((measured) => {
    const alone = all.find(({ build, threads }) => build === measured.build && threads === 1);
    if (alone === undefined) throw new Error(`nothing was measured on one thread of the ${measured.build} build`);
    return rowOf(measured, alone);
  });
}

export const formatTraining = (rows: readonly TrainingRow[]): string =>
  table([
    [
      `training, dims ${NETWORK.dims.join(',')}, ${NETWORK.input_size.join('x')}, batch ${BATCH}`,
      'threads',
      'median ms a step',
      'min ms',
      'images/s',
      'to 1 thread',
      'planned MiB',
    ],
    ...rows.map(({ build, threads, medianMs, minMs, imagesPerSecond, toOneThread, plannedBytes }) => [
      `${build} build`,
      threads,
      ...[medianMs, minMs, imagesPerSecond, toOneThread, plannedBytes / 2 ** 20].map(rounded),
    ]),
  ]);

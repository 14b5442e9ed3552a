/**
 * Measures training steps on the engine: forward, backward, Adam. Each round measures every build and number of threads
 * once, so that a slowdown of the machine affects all of them equally. The speedup of two threads is computed within
 * each round.
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
  /** Timed steps per round. */
  readonly steps: number;
  /** Untimed steps before the first round, until the optimizing compiler has finished. */
  readonly warmUp: number;
}

export interface TrainingRow {
  readonly build: Build;
  readonly threads: number;
  readonly minMs: number;
  /** Median of `rounds`. */
  readonly medianMs: number;
  /** Median milliseconds of each round. */
  readonly rounds: readonly number[];
  readonly imagesPerSecond: number;
  /** Bytes of linear memory, as planned before allocation. */
  readonly plannedBytes: number;
  /** Speed relative to one thread: the median over the rounds. */
  readonly toOneThread: number;
}

const THREADS = [1, 2] as const;

/** A session, and the milliseconds of its steps in each round. */
interface TimedSession {
  readonly build: Build;
  readonly threads: number;
  readonly session: TrainingSession;
  readonly rounds: number[][];
}

const config = resolveConfig(NETWORK);

function rowOf({ build, threads, rounds }: TimedSession, singleThread: TimedSession): TrainingRow {
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
    toOneThread: median(medians.map((ms, round) => median(singleThread.rounds[round]) / ms)),
  };
}

export async function benchTraining({ rounds, steps, warmUp }: TrainingEffort): Promise<TrainingRow[]> {
  const builds: readonly Build[] = validates(sourceOf('relaxed')) ? ['plain', 'relaxed'] : ['plain'];
  const state = initialState(config, SEED);
  const { x, targets } = drawBatch(uniform);
  const all: TimedSession[] = [];
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
      for (const { session, rounds: times } of all) {
        // Untimed, because the caches still contain the data of the previous session.
        step(session);
        times.push(Array.from({ length: steps }, () => step(session)));
      }
    }
  } finally {
    for (const { session } of all) session.dispose();
  }
  return all.map((timed) => {
    const singleThread = all.find(({ build, threads }) => build === timed.build && threads === 1);
    if (singleThread === undefined) throw new Error(`no measurement of the ${timed.build} build on one thread`);
    return rowOf(timed, singleThread);
  });
}

export const formatTraining = (rows: readonly TrainingRow[]): string =>
  table([
    [
      `training, dims ${NETWORK.dims.join(',')}, ${NETWORK.input_size.join('x')}, batch ${BATCH}`,
      'threads',
      'median ms per step',
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

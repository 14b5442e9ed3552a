/** A thread that is lost in the middle of a pass: the pass is computed again, and training continues with the same bits. */
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { BackendUnavailableError } from '../../../src/core/errors.js';
import type { StateDict } from '../../../src/core/tensor.js';
import { TrainingSession, type TrainingOptions } from '../../../src/wasm/training/session.js';
import { draw, uniform } from '../draw.js';
import { withLostThread, type Loss } from '../lostThread.js';
import { drawState } from '../networks.js';
import { endOf, workersOf } from '../workers.js';
import { trainConfig } from './chain.js';

const config = trainConfig({ dims: [16, 24, 32], strides: [2, 1], num_classes: 5, act_num: 2, input_size: [24, 24] });
const n = 4;
const batches = [1, 2, 3].map((seed) => draw([n, 3, 24, 24], uniform(seed)).data);
const targets = new Float32Array(n * config.num_classes).fill(1 / config.num_classes);
const options: TrainingOptions = { batchSize: n, build: 'plain', seed: 3, ema: true, gradAccumSteps: 3 };

const open = (threads: number): Promise<TrainingSession> =>
  TrainingSession.open(drawState(config), config, { ...options, threads });

/** A step of three passes, and an evaluation of the average. */
function results(session: TrainingSession, before: (pass: number) => void) {
  const passes = batches.map((x, i) => {
    before(i);
    return session.pass(x, targets, 0.5);
  });
  session.optimize({ kind: 'adam', lr: 1e-2 });
  session.ema(0.5);
  before(3);
  const evaluation = session.evaluate(batches[0], targets, 0.5, { useEma: true });
  return { passes, evaluation, gradients: session.gradients(), ...session.snapshot() };
}

const single = await open(1);
const expected = results(single, () => undefined);
const next = results(single, () => undefined);

afterEach(() => {
  jest.restoreAllMocks();
});

const WHERE: (Loss & { readonly pass: number; readonly later: number })[] = [
  ...[0, 1, 3, 5, 9, 12, null].map((region) => ({ pass: 1, later: 0, region, end: 'wakes late' as const })),
  ...[0, 1, 3, 5, 7, 11, 16, null].map((region) => ({ pass: 2, later: 1, region, end: 'wakes late' as const })),
  ...[0, 2, 5, 8].map((region) => ({ pass: 3, later: 0, region, end: 'wakes late' as const })),
  { pass: 0, later: 0, region: 4, end: 'exits' },
  { pass: 0, later: 0, region: 4, end: 'spins' },
];

test.each(WHERE)('a thread that $end in part $later of call $pass, with panels of region $region', async (where) => {
  const workers = await workersOf(async () => {
    const { opened: session, loseInNextRun } = await withLostThread(where, () => open(2));
    expect(session.info.threads).toBe(2);
    const actual = results(session, (pass) => {
      if (pass === where.pass) loseInNextRun(where.later);
    });
    expect(session.info.threads).toBe(1);
    expect(actual).toEqual(expected);
    expect(results(session, () => undefined)).toEqual(next);
  });
  await endOf(workers);
});

describe('without memory for a copy', () => {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: { Memory: unknown } };
  const { Memory } = WebAssembly;
  afterEach(() => {
    WebAssembly.Memory = Memory;
  });

  test('the session cannot be used afterwards', async () => {
    const { opened: session, loseInNextRun } = await withLostThread({ region: 4, end: 'sleeps' }, () => open(2));
    loseInNextRun();
    WebAssembly.Memory = jest.fn(() => {
      throw new RangeError('could not allocate memory');
    });
    const calls: (() => unknown)[] = [
      () => session.pass(batches[0], targets, 0.5),
      () => {
        session.optimize({ kind: 'adam', lr: 1e-2 });
      },
      (): StateDict => session.state(),
      () => session.evaluate(batches[0], targets, 0.5),
    ];
    for (const call of calls) expect(call).toThrow(BackendUnavailableError);
    WebAssembly.Memory = Memory;
    for (const call of calls) expect(call).toThrow(BackendUnavailableError);
    session.dispose();
  });
});

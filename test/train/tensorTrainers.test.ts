/** The trainers of WebAssembly and TensorFlow.js: their options, micro-batches and defaults. */
import { describe, expect, jest, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { ParamError } from '../../src/core/errors.js';
import type { FloatArray } from '../../src/core/tensor.js';
import { tfjsTrainer } from '../../src/train/tfjsTrainer.js';
import type { StepOptions } from '../../src/train/trainer.js';
import { wasmTrainer } from '../../src/train/wasmTrainer.js';
import { TrainingSession } from '../../src/wasm/training/session.js';
import { refusal } from '../io/refusal.js';
import { draw, uniform } from '../wasm/draw.js';

const config = resolveConfig({ dims: [2, 3], strides: [2], num_classes: 3, input_size: 8, act_num: 0 });
const x = draw([4, 3, 8, 8], uniform(1)).data;
const targets = Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0);
const step: StepOptions = { lambda: 0.5, optimizer: { kind: 'adam', lr: 0.01 } };

/** A backend that computes nothing and notes its calls. The loss of image i is `losses[i]`. */
function scriptedBackend(losses: readonly number[] = [1, 2, 3, 4]) {
  const calls: unknown[][] = [];
  let next = 0;
  const pass = (shares: FloatArray) => {
    const n = shares.length / 3;
    const own = Float64Array.from(losses.slice(next, next + n));
    next += n;
    return Promise.resolve({ losses: own, logits: new Float32Array(shares.length) });
  };
  const note = (...call: unknown[]): Promise<never> => {
    calls.push(call);
    return Promise.resolve(undefined as never);
  };
  const backend: Parameters<typeof tfjsTrainer>[0] = {
    train: (_, __, options) => {
      calls.push(['train', options]);
      return Promise.resolve({
        pass: (_x, shares, lambda) => {
          calls.push(['pass', shares.length / 3, lambda]);
          return pass(shares);
        },
        evaluate: (_x, shares, lambda, more) => {
          calls.push(['evaluate', shares.length / 3, lambda, more]);
          return pass(shares);
        },
        optimize: (optimizer) => note('optimize', optimizer),
        ema: (decay) => note('ema', decay),
        state: () => note('state'),
        emaState: () => note('emaState'),
        snapshot: () => note('snapshot'),
        firstNonFinite: () => 'stem1.0',
        dispose: () => void note('dispose'),
      });
    },
  };
  return { backend, calls };
}

describe('TensorFlow.js', () => {
  const open = (more: object = {}, losses?: readonly number[]) => {
    const { backend, calls } = scriptedBackend(losses);
    return { calls, trainer: tfjsTrainer(backend, config, { seed: 1, batchSize: 4, ...more }) };
  };

  test('refuses backends and options of other types', async () => {
    const { backend } = scriptedBackend();
    const options = { seed: 1, batchSize: 4 };
    await expect(tfjsTrainer(null as never, config, options)).rejects.toThrow(
      refusal(ParamError, 'backend', 'an object', 'null'),
    );
    await expect(tfjsTrainer({} as never, config, options)).rejects.toThrow(
      refusal(ParamError, 'backend.train', 'a function', 'undefined'),
    );
    for (const [training, op, got] of [
      [undefined, 'backend.train', 'undefined'],
      [{}, 'backend.train: pass of its result', 'undefined'],
      [{ pass: () => null }, 'backend.train: dispose of its result', 'undefined'],
    ] as const) {
      const empty = { ...backend, train: () => Promise.resolve(training) };
      const error = refusal(ParamError, op, '', got);
      await expect(tfjsTrainer(empty as never, config, options)).rejects.toThrow(error);
    }
    await expect(tfjsTrainer(backend, config, null as never)).rejects.toThrow(
      refusal(ParamError, 'options', 'an object', 'null'),
    );
    await expect(open({ sed: 1 }).trainer).rejects.toMatchObject({ op: 'sed', hint: 'Did you mean seed?' });
  });

  test('a step passes its micro-batches, then optimizes, then averages', async () => {
    const { trainer, calls } = open({ gradAccumSteps: 2, ema: true });
    const opened = await trainer;
    expect(opened.evaluationBatch).toBe(2);
    const { loss, logits } = await opened.step(x, targets, { ...step, emaDecay: 0.9 });
    expect([loss, logits.length]).toEqual([2.5, 12]);
    expect(calls.slice(1)).toEqual([
      ['pass', 2, 0.5],
      ['pass', 2, 0.5],
      ['optimize', step.optimizer],
      ['ema', 0.9],
    ]);
  });

  test('a micro-batch whose loss is not finite ends the step, which changes nothing', async () => {
    const { trainer, calls } = open({ gradAccumSteps: 2 }, [1, NaN, 3, 4]);
    const { loss, logits } = await (await trainer).step(x, targets, step);
    expect([loss, logits.length]).toEqual([NaN, 6]);
    expect(calls.slice(1)).toEqual([['pass', 2, 0.5]]);
  });

  test('a batch that the micro-batches do not divide is refused', async () => {
    const { trainer, calls } = open({ batchSize: 6, gradAccumSteps: 3 });
    const three = (await trainer).step(x.subarray(0, 3 * 192), targets.subarray(0, 9), step);
    await expect(three).rejects.toThrow(
      refusal(ParamError, 'gradAccumSteps', 'a divisor of batchSize, 3, that leaves 2 images', '3'),
    );
    expect(calls).toHaveLength(1);
  });

  test('evaluates the weights unless the average is requested; the loss is the mean', async () => {
    const { trainer, calls } = open();
    const opened = await trainer;
    expect(await opened.evaluate(x, targets, { lambda: 0.25 })).toMatchObject({ loss: 2.5 });
    await opened.evaluate(x, targets, { lambda: 1, useEma: true });
    expect(calls.slice(1)).toEqual([
      ['evaluate', 4, 0.25, { useEma: false }],
      ['evaluate', 4, 1, { useEma: true }],
    ]);
  });

  test('passes the other calls on', async () => {
    const { trainer, calls } = open();
    const opened = await trainer;
    await opened.state();
    await opened.ema();
    await opened.snapshot();
    opened.dispose();
    expect(calls.slice(1)).toEqual([['state'], ['emaState'], ['snapshot'], ['dispose']]);
    expect(opened.firstNonFinite()).toBe('stem1.0');
  });
});

describe('WebAssembly', () => {
  const open = (more: object = {}) =>
    wasmTrainer(config, { seed: 1, batchSize: 4, build: 'plain', threads: 1, ...more });

  test('refuses options of other types, and unknown ones', async () => {
    await expect(wasmTrainer(config, null as never)).rejects.toThrow(
      refusal(ParamError, 'options', 'an object', 'null'),
    );
    await expect(open({ thread: 1 })).rejects.toMatchObject({ op: 'thread', hint: 'Did you mean threads?' });
  });

  test('disposes its session', async () => {
    const dispose = jest.spyOn(TrainingSession.prototype, 'dispose');
    const trainer = await open();
    trainer.dispose();
    expect(dispose).toHaveBeenCalledTimes(1);
    dispose.mockRestore();
  });

  test('evaluates fewer images than a batch: their own logits, and the mean of their losses', async () => {
    const trainer = await open({ ema: true });
    await trainer.step(x, targets, { ...step, emaDecay: 0.9 });
    const whole = await trainer.evaluate(x, targets, { lambda: 1 });
    const parts = [];
    for (let i = 0; i < 4; i++) {
      const image = x.subarray(192 * i, 192 * i + 192);
      parts.push(await trainer.evaluate(image, targets.subarray(3 * i, 3 * i + 3), { lambda: 1 }));
    }
    expect(parts.flatMap(({ logits }) => [...logits])).toEqual([...whole.logits]);
    expect(parts.reduce((sum, { loss }) => sum + loss, 0) / 4).toBeCloseTo(whole.loss, 6);
    expect(await trainer.evaluate(x, targets, { lambda: 1, useEma: false })).toEqual(whole);
    expect((await trainer.evaluate(x, targets, { lambda: 1, useEma: true })).logits).not.toEqual(whole.logits);
    trainer.dispose();
  });
});

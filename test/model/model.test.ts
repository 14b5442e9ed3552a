import { beforeAll, describe, expect, test } from '@jest/globals';
import { float32Bound, tensor, valuesOf } from '../../reference/index.js';
import type { Backend } from '../../src/core/backend.js';
import { DataError, ParamError, ShapeError, WeightsError } from '../../src/core/errors.js';
import type { FloatArray } from '../../src/core/tensor.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend, toOracleConfig } from '../../src/oracle/backend.js';
import { stateToOracle } from '../../src/oracle/state.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';
import { refusal } from '../io/refusal.js';
import { drawnConfig, drawnImages, drawnState } from './drawnNetwork.js';

const config = drawnConfig('deploy');
const state = drawnState(config);
const IMAGES = 3;
const x = drawnImages(config, IMAGES);
const size = x.data.length / IMAGES;
const image = (i: number): FloatArray => x.data.subarray(i * size, (i + 1) * size);

const disposed = refusal(ParamError, 'forward', 'a model in use', 'a disposed model');

test('both backends agree within the float32 bound', async () => {
  const outputs = await Promise.all(
    [wasmBackend, referenceBackend].map(async (backend) => {
      const model = await Model.open(state, config, backend);
      expect(model.backend).toBe(backend.name);
      return model.forward(x.data, IMAGES);
    }),
  );
  const { logits, bounds, bound } = float32Bound(toOracleConfig(config), stateToOracle(state), tensor(x.data, x.shape));
  const [narrow, exact] = outputs;
  expect(exact).toEqual(valuesOf(logits));
  const largest = Math.max(...exact.map(Math.abs));
  expect(bound).toBeLessThan(1e-4 * largest);
  const allowed = valuesOf(bounds);
  expect([...narrow].filter((v, i) => !(Math.abs(v - exact[i]) <= allowed[i]))).toEqual([]);
});

describe.each([wasmBackend, referenceBackend])('on $name', (backend) => {
  let model: Model;
  let alone: FloatArray[];
  beforeAll(async () => {
    model = await Model.open(state, config, backend);
    alone = [];
    for (let i = 0; i < IMAGES; i++) alone.push(await model.forward(image(i)));
  });

  test('the logits of the images differ, so that the tests below can detect exchanged images', () => {
    expect(new Set(alone.map((logits) => logits.join())).size).toBe(IMAGES);
  });

  test('concurrent calls return their own results', async () => {
    const order = [2, 0, 1, 1, 0, 2, 2, 1, 0];
    expect(await Promise.all(order.map((i) => model.forward(image(i))))).toEqual(order.map((i) => alone[i]));
  });

  test('a result belongs to the caller: later calls do not change it', async () => {
    const first = await model.forward(image(0));
    first.fill(NaN);
    expect(await model.forward(image(0))).toEqual(alone[0]);
  });

  const invalidInputs: [string, FloatArray, number, typeof ShapeError | typeof ParamError, string, string][] = [
    ['too short an x', x.data.subarray(1, size), 1, ShapeError, 'x of 960 values, [1,3,16,20]', '959 values'],
    ['too long an x', x.data, 2, ShapeError, 'x of 1920 values, [2,3,16,20]', '2880 values'],
    ['no x', new Float32Array(0), 1, ShapeError, 'x of 960 values', '0 values'],
    ['no images', new Float32Array(0), 0, ParamError, 'n an integer >= 1', 'n = 0'],
    ['half an image', x.data.subarray(0, size / 2), 0.5, ParamError, 'n an integer >= 1', 'n = 0.5'],
    ['NaN images', x.data, NaN, ParamError, 'n an integer >= 1', 'n = NaN'],
  ];
  test.each(invalidInputs)('refuses %s and remains usable', async (_, values, n, type, expected, got) => {
    await expect(model.forward(values, n)).rejects.toThrow(refusal(type, 'forward', expected, got));
    expect(await model.forward(image(1))).toEqual(alone[1]);
  });

  test('the caller may overwrite the input after the call: pending calls have a copy', async () => {
    const frame = image(0).slice();
    const calls = [model.forward(frame)];
    for (const i of [1, 2]) {
      frame.set(image(i));
      calls.push(model.forward(frame));
    }
    frame.fill(NaN);
    expect(await Promise.all(calls)).toEqual(alone);
  });

  test.each([
    [null, 'forward', 'null'],
    [undefined, 'forward', 'undefined'],
    [7, 'forward', '7'],
    [Symbol('x'), 'forward', 'Symbol(x)'],
    [[...x.data.subarray(0, 2)], 'forward', String(x.data[0])],
    [new Int32Array(size), 'forward', 'Int32Array'],
    [new DataView(new ArrayBuffer(size)), 'forward', 'DataView'],
    [{ width: 4, height: 4 }, 'forward', '{"width":4,"height":4}'],
    [new Map(), 'forward', 'Map'],
  ])('refuses what is neither an image nor an array of floats, and remains usable: %p', async (value, op, got) => {
    const error = refusal(DataError, op, 'an image: pixels, the bytes of a file', got);
    await expect(model.forward(value as unknown as FloatArray)).rejects.toThrow(error);
    await expect(model.classify([value as unknown as FloatArray])).rejects.toThrow(DataError);
    await expect(model.features(value as unknown as FloatArray, ['stem'])).rejects.toThrow(DataError);
    expect(await model.forward(image(1))).toEqual(alone[1]);
  });

  test.each([
    [{ topk: 1 }, ParamError, 'topk', 'one of the keys topK, signal', 'an unknown key'],
    [{ topK: 1.5 }, ParamError, 'topK', 'an integer >= 1', '1.5'],
    [{ signal: {} }, ParamError, 'signal', 'an AbortSignal', '{}'],
    [null, ParamError, 'options', 'an object', 'null'],
  ])('classify refuses the options %j', async (options, type, op, expected, got) => {
    const call = model.classify(image(0), options as unknown as { topK: number });
    await expect(call).rejects.toThrow(refusal(type, op, expected, got));
    expect(await model.forward(image(1))).toEqual(alone[1]);
  });

  test('forward and features refuse unknown options', async () => {
    const options = { singal: undefined } as unknown as { signal: undefined };
    for (const call of [
      model.forward(image(0), options),
      model.forward(image(0), 1, options),
      model.features(image(0), ['stem'], options),
      model.features(image(0), ['stem'], 1, options),
    ]) {
      await expect(call).rejects.toMatchObject({ name: 'ParamError', op: 'singal', hint: 'Did you mean signal?' });
    }
  });

  test('classify returns the most probable classes, best first', async () => {
    const best = await model.classify(image(0), { topK: 2 });
    const descending = [...alone[0].keys()].sort((a, b) => alone[0][b] - alone[0][a]);
    expect(best.map(({ index }) => index)).toEqual(descending.slice(0, 2));
    expect(await model.classify(image(0))).toHaveLength(5);
    await expect(model.classify(image(0), { topK: 0 })).rejects.toThrow(refusal(ParamError, 'topK', '>= 1', '0'));
  });

  test('after dispose, earlier calls finish and later calls are refused', async () => {
    const temporary = await Model.open(state, config, backend);
    const earlier = Promise.all([0, 1, 2].map((i) => temporary.forward(image(i))));
    temporary.dispose();
    temporary.dispose();
    await Promise.all([
      expect(temporary.forward(image(0))).rejects.toThrow(disposed),
      expect(earlier).resolves.toEqual(alone),
    ]);
    await expect(temporary.forward(image(0))).rejects.toThrow(disposed);
    await expect(temporary.classify(image(0))).rejects.toThrow(
      refusal(ParamError, 'classify', 'a model in use', 'a disposed model'),
    );
    await expect(temporary.classify([])).rejects.toThrow('a disposed model');
  });
});

/** A backend that records its calls, which finish only in `run`. */
class Slow implements Backend {
  readonly name = 'slow';
  readonly log: string[] = [];
  #release: (() => void)[] = [];

  open(): ReturnType<Backend['open']> {
    const forward = async (values: FloatArray): Promise<FloatArray> => {
      this.log.push(`begin ${values[0]}`);
      await new Promise<void>((resolve) => this.#release.push(resolve));
      this.log.push(`end ${values[0]}`);
      if (values[0] < 0) throw new Error('a backend that fails');
      return Float32Array.of(values[0]);
    };
    const dispose = (): void => {
      this.log.push('dispose');
    };
    return Promise.resolve({ forward, dispose });
  }

  /** Finishes pending calls, one after the other, until there are none. */
  async run(): Promise<void> {
    for (let idle = 0; idle < 20; idle++) {
      await new Promise(setImmediate);
      const release = this.#release.shift();
      if (release === undefined) continue;
      release();
      idle = 0;
    }
  }
}

describe('pending calls', () => {
  const marked = (mark: number): FloatArray => new Float32Array(size).fill(mark);
  const open = async (): Promise<{ slow: Slow; model: Model }> => {
    const slow = new Slow();
    return { slow, model: await Model.open(state, config, slow) };
  };

  test('run one after the other, in the order of the calls', async () => {
    const { slow, model } = await open();
    const results = Promise.all([1, 2, 3].map((mark) => model.forward(marked(mark))));
    await slow.run();
    expect(await results).toEqual([1, 2, 3].map((mark) => Float32Array.of(mark)));
    expect(slow.log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']);
  });

  test('finish before the network is disposed of', async () => {
    const { slow, model } = await open();
    const results = Promise.all([1, 2].map((mark) => model.forward(marked(mark))));
    model.dispose();
    const late = expect(model.forward(marked(3))).rejects.toThrow(disposed);
    const finished = expect(results).resolves.toEqual([1, 2].map((mark) => Float32Array.of(mark)));
    await slow.run();
    await Promise.all([late, finished]);
    expect(slow.log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'dispose']);
  });

  test('run after a call that failed', async () => {
    const { slow, model } = await open();
    const failed = expect(model.forward(marked(-1))).rejects.toThrow('a backend that fails');
    const next = expect(model.forward(marked(2))).resolves.toEqual(Float32Array.of(2));
    model.dispose();
    await slow.run();
    await Promise.all([failed, next]);
    expect(slow.log.at(-1)).toBe('dispose');
  });
});

describe('Model.open refuses', () => {
  const train = drawnConfig('train');
  const MISSING = 'stages.1.act.bias';
  test('weights of another network, before it opens the backend', async () => {
    const slow = new Slow();
    const incomplete = new Map([...state].filter(([name]) => name !== MISSING));
    const opened = Model.open(incomplete, config, slow);
    await expect(opened).rejects.toThrow(refusal(WeightsError, MISSING, 'a tensor [8]', 'none of that name'));
    const small = Model.open(state, { ...config, input_size: 4 }, slow);
    await expect(small).rejects.toThrow(refusal(ShapeError, 'stages.0', 'an input of at least 8x8', '4x4'));
    const wrong = Model.open(state, { ...config, act_num: -1 }, slow);
    await expect(wrong).rejects.toThrow(refusal(ParamError, 'config.act_num', 'an integer in [0, 100]', '-1'));
  });

  test('the train form in WebAssembly', async () => {
    const opened = Model.open(drawnState(train), train, wasmBackend);
    await expect(opened).rejects.toThrow(refusal(WeightsError, 'wasm', 'the deploy form', 'the train form'));
  });
});

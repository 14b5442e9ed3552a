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

test('both backends agree, to what float32 may be off', async () => {
  const answers = await Promise.all(
    [wasmBackend, referenceBackend].map(async (backend) => {
      const model = await Model.open(state, config, backend);
      expect(model.backend).toBe(backend.name);
      return model.forward(x.data, IMAGES);
    }),
  );
  const { logits, bounds, bound } = float32Bound(toOracleConfig(config), stateToOracle(state), tensor(x.data, x.shape));
  const [narrow, exact] = answers;
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

  test('the images differ, or nothing here could tell them apart', () => {
    expect(new Set(alone.map((logits) => logits.join())).size).toBe(IMAGES);
  });

  test('calls at once are answered each with its own', async () => {
    const order = [2, 0, 1, 1, 0, 2, 2, 1, 0];
    expect(await Promise.all(order.map((i) => model.forward(image(i))))).toEqual(order.map((i) => alone[i]));
  });

  test('an answer is the caller’s: the next call leaves it alone', async () => {
    const first = await model.forward(image(0));
    first.fill(NaN);
    expect(await model.forward(image(0))).toEqual(alone[0]);
  });

  const refused: [string, FloatArray, number, typeof ShapeError | typeof ParamError, string, string][] = [
    ['too short an x', x.data.subarray(1, size), 1, ShapeError, 'x of 960 values, [1,3,16,20]', '959 values'],
    ['too long an x', x.data, 2, ShapeError, 'x of 1920 values, [2,3,16,20]', '2880 values'],
    ['no x', new Float32Array(0), 1, ShapeError, 'x of 960 values', '0 values'],
    ['no images', new Float32Array(0), 0, ParamError, 'n an integer >= 1', 'n = 0'],
    ['half an image', x.data.subarray(0, size / 2), 0.5, ParamError, 'n an integer >= 1', 'n = 0.5'],
    ['NaN images', x.data, NaN, ParamError, 'n an integer >= 1', 'n = NaN'],
  ];
  test.each(refused)('refuses %s, and goes on', async (_, values, n, type, expected, got) => {
    await expect(model.forward(values, n)).rejects.toThrow(refusal(type, 'forward', expected, got));
    expect(await model.forward(image(1))).toEqual(alone[1]);
  });

  test('what is given is read at once, or copied where it waits: the caller may write over it', async () => {
    const frame = image(0).slice();
    const asked = [model.forward(frame)];
    for (const i of [1, 2]) {
      frame.set(image(i));
      asked.push(model.forward(frame));
    }
    frame.fill(NaN);
    expect(await Promise.all(asked)).toEqual(alone);
  });

  test.each([null, undefined, [...x.data.subarray(0, size)], new Uint8Array(size), new Int32Array(size), 'x'])(
    'refuses an x that is no array of floats, and goes on: %p',
    async (values) => {
      const refused = refusal(ShapeError, 'forward', 'x, a Float32Array or Float64Array', '');
      await expect(model.forward(values as unknown as FloatArray)).rejects.toThrow(refused);
      expect(await model.forward(image(1))).toEqual(alone[1]);
    },
  );

  test.each([null, undefined, 'cat.png'])('refuses an image that is none: %p', async (given) => {
    const refused = refusal(DataError, 'classify', 'an image', '');
    await expect(model.classify(given as unknown as FloatArray)).rejects.toThrow(refused);
    await expect(model.classify(new Uint8Array(size) as unknown as FloatArray)).rejects.toThrow(ShapeError);
  });

  test('classifies, best first', async () => {
    const best = await model.classify(image(0), { topK: 2 });
    const descending = [...alone[0].keys()].sort((a, b) => alone[0][b] - alone[0][a]);
    expect(best.map(({ index }) => index)).toEqual(descending.slice(0, 2));
    expect(await model.classify(image(0))).toHaveLength(5);
    await expect(model.classify(image(0), { topK: 0 })).rejects.toThrow(refusal(ParamError, 'topK', '>= 1', '0'));
  });

  test('once disposed of, answers what was asked before and nothing after', async () => {
    const short = await Model.open(state, config, backend);
    const asked = Promise.all([0, 1, 2].map((i) => short.forward(image(i))));
    short.dispose();
    short.dispose();
    await Promise.all([
      expect(short.forward(image(0))).rejects.toThrow(disposed),
      expect(asked).resolves.toEqual(alone),
    ]);
    await expect(short.forward(image(0))).rejects.toThrow(disposed);
    await expect(short.classify(image(0))).rejects.toThrow(disposed);
  });
});

/** A backend that writes down what it is asked and answers when it is told to. */
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

  /** Lets calls end, one by one, as long as there are any. */
  async run(): Promise<void> {
    for (let idle = 0; idle < 20; idle++) {
      await Promise.resolve();
      const release = this.#release.shift();
      if (release === undefined) continue;
      release();
      idle = 0;
    }
  }
}

describe('calls that wait', () => {
  const marked = (mark: number): FloatArray => new Float32Array(size).fill(mark);
  const open = async (): Promise<{ slow: Slow; model: Model }> => {
    const slow = new Slow();
    return { slow, model: await Model.open(state, config, slow) };
  };

  test('run one after the other, in the order they came', async () => {
    const { slow, model } = await open();
    const asked = Promise.all([1, 2, 3].map((mark) => model.forward(marked(mark))));
    await slow.run();
    expect(await asked).toEqual([1, 2, 3].map((mark) => Float32Array.of(mark)));
    expect(slow.log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'begin 3', 'end 3']);
  });

  test('are answered before the network is freed', async () => {
    const { slow, model } = await open();
    const asked = Promise.all([1, 2].map((mark) => model.forward(marked(mark))));
    model.dispose();
    const late = expect(model.forward(marked(3))).rejects.toThrow(disposed);
    const answered = expect(asked).resolves.toEqual([1, 2].map((mark) => Float32Array.of(mark)));
    await slow.run();
    await Promise.all([late, answered]);
    expect(slow.log).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2', 'dispose']);
  });

  test('are not held up by one that failed', async () => {
    const { slow, model } = await open();
    const failed = expect(model.forward(marked(-1))).rejects.toThrow('a backend that fails');
    const next = expect(model.forward(marked(2))).resolves.toEqual(Float32Array.of(2));
    model.dispose();
    await slow.run();
    await Promise.all([failed, next]);
    expect(slow.log.at(-1)).toBe('dispose');
  });
});

describe('a model is not opened', () => {
  const train = drawnConfig('train');
  const NONE = 'stages.1.act.bias';
  test('on weights of another network, before the backend is asked', async () => {
    const slow = new Slow();
    const lacking = new Map([...state].filter(([name]) => name !== NONE));
    const opened = Model.open(lacking, config, slow);
    await expect(opened).rejects.toThrow(refusal(WeightsError, NONE, 'a tensor [8]', 'none of that name'));
    const small = Model.open(state, { ...config, input_size: 4 }, slow);
    await expect(small).rejects.toThrow(refusal(ShapeError, 'stages.0', 'an input large enough', '4x4'));
    const wrong = Model.open(state, { ...config, act_num: -1 }, slow);
    await expect(wrong).rejects.toThrow(refusal(ParamError, 'config.act_num', 'an integer >= 0', '-1'));
  });

  test('on the train form in WebAssembly, which says what to do', async () => {
    const opened = Model.open(drawnState(train), train, wasmBackend);
    await expect(opened).rejects.toThrow(refusal(WeightsError, 'wasm', 'the deploy form', 'the train form'));
  });
});

/** What a model asks of its session. */
import { describe, expect, jest, test } from '@jest/globals';
import type { AbortOptions } from '../../src/core/abort.js';
import type { Backend, Session } from '../../src/core/backend.js';
import { DataError, ParamError, ShapeError } from '../../src/core/errors.js';
import type { FloatArray, Tensor } from '../../src/core/tensor.js';
import { Model, type ModelInput } from '../../src/model/model.js';
import { refusal } from '../io/refusal.js';
import { drawnConfig, drawnState } from './drawnNetwork.js';

const RGB = drawnConfig('deploy');
const GRAY = drawnConfig('deploy', { in_chans: 1, mean: [0.5], std: [0.25] });
const [height, width] = RGB.input_size;
const AREA = height * width;
const CLASSES = RGB.num_classes;
const pixels = { data: new Uint8Array(3 * AREA).fill(51), width, height };
const { signal } = new AbortController();

interface Call {
  readonly method: string;
  readonly n: number;
  readonly length: number;
  readonly signal: AbortOptions['signal'];
}

/** A model whose session records its calls. @param methods of the session besides `forward` */
async function recorded(config = RGB, methods: Partial<Session> = {}) {
  const calls: Call[] = [];
  const record = (method: string, x: ArrayLike<number>, n: number, options?: AbortOptions): FloatArray => {
    calls.push({ method, n, length: x.length, signal: options?.signal });
    return new Float32Array(n * CLASSES).map((_, i) => i);
  };
  const dispose = jest.fn();
  const session: Session = {
    forward: (x, n, options) => Promise.resolve(record('forward', x, n, options)),
    features: (x, n, layers, options) => {
      const data = record('features', x, n, options);
      return Promise.resolve(new Map(layers.map((name): [string, Tensor] => [name, { data, shape: [n, CLASSES] }])));
    },
    dispose,
    ...methods,
  };
  const backend: Backend = { name: 'recorder', open: () => Promise.resolve(session) };
  const forwardPixels: NonNullable<Session['forwardPixels']> = (data, interleaved) =>
    Promise.resolve(record(`forwardPixels ${interleaved}`, data, 1));
  return { model: await Model.open(drawnState(config), config, backend), calls, dispose, session, forwardPixels };
}

test('without forwardPixels, a list is computed at once, with the signal', async () => {
  const { model, calls } = await recorded();
  const logits = await model.classify([pixels, new Float32Array(3 * AREA), pixels], { signal, topK: 1 });
  expect(calls).toEqual([{ method: 'forward', n: 3, length: 9 * AREA, signal }]);
  expect(logits.map(([{ index }]) => index)).toEqual([CLASSES - 1, CLASSES - 1, CLASSES - 1]);
  expect([...(await model.forward([pixels, pixels]))]).toEqual(Array.from({ length: 2 * CLASSES }, (_, i) => i));
});

test('one image is computed alone, with the signal', async () => {
  const { model, calls } = await recorded();
  await model.classify(pixels, { signal });
  await model.forward(new Float32Array(3 * AREA), { signal });
  await model.features(pixels, ['stem'], { signal });
  expect(calls).toEqual([
    { method: 'forward', n: 1, length: 3 * AREA, signal },
    { method: 'forward', n: 1, length: 3 * AREA, signal },
    { method: 'features', n: 1, length: 3 * AREA, signal },
  ]);
});

test('with forwardPixels, each image of a list is computed alone, from its bytes', async () => {
  const { model, calls, session, forwardPixels } = await recorded();
  session.forwardPixels = forwardPixels;
  await model.classify([pixels, new Float32Array(3 * AREA), pixels]);
  expect(calls.map(({ method, length }) => [method, length])).toEqual([
    ['forwardPixels 3', 3 * AREA],
    ['forward', 3 * AREA],
    ['forwardPixels 3', 3 * AREA],
  ]);
});

test('images of a grayscale network are normalized: forwardPixels takes colors', async () => {
  const { model, calls, session, forwardPixels } = await recorded(GRAY);
  session.forwardPixels = forwardPixels;
  await model.classify(pixels);
  expect(calls).toEqual([{ method: 'forward', n: 1, length: AREA, signal: undefined }]);
});

describe('errors name the call', () => {
  const cases: [string, (model: Model) => Promise<unknown>, string][] = [
    ['forward', (model) => model.forward([new Uint8Array(9)]), 'a PNG, JPEG or WebP image'],
    ['features', (model) => model.features([new Uint8Array(9)], ['stem']), 'a PNG, JPEG or WebP image'],
    ['features', (model) => model.features(new Uint8Array(9), ['stem']), 'a PNG, JPEG or WebP image'],
    ['classify', (model) => model.classify([new Uint8Array(9), pixels]), 'a PNG, JPEG or WebP image'],
  ];
  test.each(cases)('%s', async (op, call, expected) => {
    const { model } = await recorded();
    await expect(call(model)).rejects.toThrow(refusal(DataError, op, expected, ''));
  });

  test.each(['forward', 'classify'] as const)('%s of a list with logits that are not finite', async (method) => {
    const forward = (_: FloatArray, n: number): Promise<FloatArray> =>
      Promise.resolve(new Float32Array(n * CLASSES).fill(NaN));
    const { model } = await recorded(RGB, { forward });
    await expect(model[method]([pixels, pixels])).rejects.toMatchObject({
      ...{ name: 'WeightsError', op: method, expected: 'finite logits', got: 'NaN for class 0 of image 0' },
    });
  });

  test('an input whose memory was transferred', async () => {
    const { model } = await recorded();
    const x = new Float32Array(3 * AREA);
    structuredClone(x.buffer, { transfer: [x.buffer] });
    await expect(model.forward(x)).rejects.toMatchObject({
      ...{ name: 'DataError', op: 'forward', expected: 'x with its values', got: 'a detached buffer' },
    });
  });

  test.each([null, undefined, {}, { forward: 5 }])('a session that is %j', async (session) => {
    const backend = { name: 'x', open: () => Promise.resolve(session as never) };
    const open = Model.open(drawnState(RGB), RGB, backend);
    const op = 'backend.open: forward of its session';
    await expect(open).rejects.toMatchObject({ name: 'ParamError', op, expected: 'a function' });
  });

  test.each(['forward', 'features', 'classify'] as const)('a wrong signal of %s', async (method) => {
    const { model } = await recorded();
    const options = { signal: 5 as unknown as AbortSignal };
    const call = method === 'features' ? model.features(pixels, ['stem'], options) : model[method](pixels, options);
    await expect(call).rejects.toThrow(refusal(ParamError, 'signal', 'an AbortSignal', '5'));
  });
});

test('each normalized input of a list has its own size', async () => {
  const { model, calls } = await recorded();
  const inputs: ModelInput[] = [new Float32Array(3 * AREA - 1), new Float32Array(3 * AREA + 1)];
  for (const call of [model.forward(inputs), model.features(inputs, ['stem']), model.classify(inputs)]) {
    await expect(call).rejects.toThrow(refusal(ShapeError, '', `x of ${3 * AREA} values`, `${3 * AREA - 1} values`));
  }
  expect(calls).toEqual([]);
});

test('a session is disposed of once, after the calls that have begun', async () => {
  const { model, dispose } = await recorded();
  const call = model.forward(pixels);
  model.dispose();
  model.dispose();
  expect(dispose).toHaveBeenCalledTimes(0);
  await call;
  expect(dispose).toHaveBeenCalledTimes(1);
  model.dispose();
  expect(dispose).toHaveBeenCalledTimes(1);
  await expect(model.classify(pixels)).rejects.toThrow(refusal(ParamError, 'classify', 'a model in use', 'disposed'));
});

test('a list of floats of both widths is one of float64', async () => {
  const { model } = await recorded();
  const seen: string[] = [];
  const { session } = await recorded();
  session.forward = (x, n) => {
    seen.push(Object.prototype.toString.call(x));
    return Promise.resolve(new Float32Array(n * CLASSES));
  };
  const other = await Model.open(drawnState(RGB), RGB, { name: 'x', open: () => Promise.resolve(session) });
  await other.forward([new Float32Array(3 * AREA), new Float64Array(3 * AREA)]);
  await other.forward([new Float32Array(3 * AREA), new Float32Array(3 * AREA)]);
  expect(seen).toEqual(['[object Float64Array]', '[object Float32Array]']);
  model.dispose();
});

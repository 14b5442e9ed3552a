/** The deploy network in WebAssembly, layer by layer and end to end. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { float32Bound, tensor, valuesOf } from '../../../reference/index.js';
import { resolveConfig, type ModelConfig } from '../../../src/core/config.js';
import { BackendUnavailableError, ShapeError, WeightsError } from '../../../src/core/errors.js';
import type { Tensor } from '../../../src/core/tensor.js';
import { streamOf } from '../../../src/core/weights.js';
import { createWasmBackend, wasmBackend } from '../../../src/wasm/inference/backend.js';
import type { WasmSession } from '../../../src/wasm/inference/session.js';
import { BUILDS } from '../builds.js';
import { draw, uniform } from '../draw.js';
import { findMismatch } from '../judge.js';
import { findStageMismatch } from './stages.js';
import { drawState, NARROW, oracleState } from '../networks.js';

const deployed = (sizes: object): ModelConfig => resolveConfig({ ...sizes, form: 'deploy' });
const images = (config: ModelConfig, n: number): Tensor => draw([n, config.in_chans, ...config.input_size], uniform(3));

describe.each(BUILDS.flatMap((build) => NARROW.map((network) => ({ build, ...network }))))(
  '$build, $label',
  ({ build, sizes }) => {
    const config = deployed(sizes);
    const state = drawState(config);
    let session: WasmSession;
    beforeAll(async () => {
      session = await createWasmBackend({ build }).open(streamOf(state), config);
    });

    test('every stage agrees with the reference on its actual input', () => {
      const x = images(config, 1);
      const outputs = session.forwardLayers(x.data);
      expect(findStageMismatch(config, state, x, outputs)).toBeNull();
    });

    test('the logits are within the bound of the whole network', async () => {
      const x = images(config, 2);
      const logits = await session.forward(x.data, 2);
      const { logits: exact, bounds } = float32Bound(config, oracleState(config), tensor(x.data, x.shape));
      expect(findMismatch(logits, { shape: exact.shape, exact: valuesOf(exact), bound: valuesOf(bounds) })).toBeNull();
    });

    test('an image has the same logits in a batch, alone, and in a second run', async () => {
      const x = images(config, 3);
      const size = x.data.length / 3;
      const batch = await session.forward(x.data, 3);
      for (let i = 0; i < 3; i++) {
        const alone = await session.forward(x.data.subarray(i * size, (i + 1) * size), 1);
        expect(alone).toEqual(batch.slice(i * config.num_classes, (i + 1) * config.num_classes));
      }
      expect(await session.forward(x.data, 3)).toEqual(batch);
      expect(session.forwardLayers(x.data.subarray(0, size)).get('cls.2')?.data).toEqual(
        batch.slice(0, config.num_classes),
      );
    });
  },
);

describe('a session', () => {
  const config = deployed(NARROW[0].sizes);
  const state = drawState(config);

  test('rounds float64 weights and images', async () => {
    const wide = new Map([...state].map(([name, { data, shape }]) => [name, { shape, data: Float64Array.from(data) }]));
    const x = images(config, 1);
    const fromWide = await (await wasmBackend.open(streamOf(wide), config)).forward(Float64Array.from(x.data), 1);
    const fromNarrow = await (await wasmBackend.open(streamOf(state), config)).forward(x.data, 1);
    expect(fromWide).toEqual(fromNarrow);
    expect(fromWide).toBeInstanceOf(Float32Array);
  });

  test('grows its memory once, when it is opened', async () => {
    type Grow = (this: object, pages: number) => number;
    const { WebAssembly } = globalThis as { WebAssembly?: { Memory: { prototype: { grow: Grow } } } };
    if (WebAssembly === undefined) throw new Error('no WebAssembly here');
    const { prototype } = WebAssembly.Memory;
    const { grow } = prototype;
    let growths = 0;
    prototype.grow = function (pages) {
      growths++;
      return grow.call(this, pages);
    };
    try {
      const session = await wasmBackend.open(streamOf(state), config);
      expect(growths).toBe(1);
      const x = images(config, 1);
      for (let i = 0; i < 1000; i++) await session.forward(x.data, 1);
      expect(growths).toBe(1);
    } finally {
      prototype.grow = grow;
    }
  });

  test('cannot be used after dispose', async () => {
    const session = await wasmBackend.open(streamOf(state), config);
    session.dispose();
    session.dispose();
    const { data } = images(config, 1);
    await expect(session.forward(data, 1)).rejects.toThrow(BackendUnavailableError);
    expect(() => session.forwardLayers(data)).toThrow(
      'wasm: expected an open session, got a session that was disposed',
    );
  });

  test('refuses an input that is larger or smaller than the image', async () => {
    const session = await wasmBackend.open(streamOf(state), config);
    const { data } = images(config, 1);
    const right = await session.forward(data, 1);
    await expect(session.forward(data.subarray(1), 1)).rejects.toThrow(ShapeError);
    await expect(session.forward(data, 2)).rejects.toThrow(ShapeError);
    await expect(session.features?.(data, 2, ['stem'])).rejects.toThrow(ShapeError);
    await expect(session.forwardPixels?.(new Uint8Array(5), 3)).rejects.toThrow(ShapeError);
    await expect(session.forwardPixels?.(new Uint8Array(5), 900_000 as 3)).rejects.toThrow(ShapeError);
    expect(await session.forward(data, 1)).toEqual(right);
  });

  test('returns the layers of exactly one image', async () => {
    const session = await wasmBackend.open(streamOf(state), config);
    expect(() => session.forwardLayers(images(config, 2).data)).toThrow(ShapeError);
  });

  test('refuses the train form', async () => {
    const train = resolveConfig({ ...NARROW[0].sizes, form: 'train' });
    await expect(wasmBackend.open(streamOf(drawState(train)), train)).rejects.toThrow(WeightsError);
    await expect(wasmBackend.open(streamOf(drawState(train)), train)).rejects.toThrow(
      'wasm: expected the deploy form, got the train form',
    );
  });

  test('refuses weights with a missing tensor', async () => {
    const lacking = new Map([...state].filter(([name]) => name !== 'stages.1.act.bias'));
    await expect(wasmBackend.open(streamOf(lacking), config)).rejects.toThrow(
      'stages.1.act.bias: expected 8 values, got 0',
    );
  });

  test('refuses an image that leaves an empty map', async () => {
    const small = deployed({ ...NARROW[0].sizes, input_size: [4, 3] });
    await expect(wasmBackend.open(streamOf(state), small)).rejects.toThrow(ShapeError);
  });
});

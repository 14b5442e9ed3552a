/**
 * All eleven published networks with 1/256 of their channels: their stages, strides and adaptive pools. Each stage is
 * compared separately. The logits are compared with the composed bound of all stages, or with the first-order bound if
 * the composed one is larger than the difference between two images, as in deep networks.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { float32Bound, tensor, valuesOf } from '../../../reference/index.js';
import { resolveConfig, VARIANTS, type VariantName } from '../../../src/core/config.js';
import type { StateDict } from '../../../src/core/tensor.js';
import { streamOf } from '../../../src/core/weights.js';
import { createWasmBackend } from '../../../src/wasm/inference/backend.js';
import type { WasmSession } from '../../../src/wasm/inference/session.js';
import { BUILDS } from '../builds.js';
import { draw, uniform } from '../draw.js';
import { findMismatch } from '../judge.js';
import { drawState } from '../networks.js';
import { findStageMismatch } from './stages.js';

const NAMES = Object.keys(VARIANTS) as VariantName[];

test('there are eleven variants', () => {
  expect(NAMES).toHaveLength(11);
});

const CLASSES = 4;

/** Doubles the weights, which is exact, so that the biases of thirteen stages do not dominate the signal. */
const doubled = (state: StateDict): StateDict =>
  new Map(
    [...state].map(([name, { data, shape }]) => [
      name,
      { shape, data: shape.length === 4 ? data.map((v) => 2 * v) : data },
    ]),
  );

describe.each(NAMES)('%s', (name) => {
  const variant = resolveConfig({ variant: name });
  const config = resolveConfig({
    ...variant,
    dims: variant.dims.map((channels) => channels / 256),
    num_classes: CLASSES,
    form: 'deploy',
    // Larger than the smallest size, by less than a window.
    input_size: [75, 66],
  });
  const state = doubled(drawState(config));
  const x = draw([2, 3, ...config.input_size], uniform(1));
  const referenceState = new Map([...state].map(([key, { data, shape }]) => [key, tensor(data, shape)]));
  const { logits: exact, bounds, firstOrder } = float32Bound(config, referenceState, tensor(x.data, x.shape));
  const logits = valuesOf(exact);
  /** The largest difference between the logits of the two images. */
  const apart = Math.max(...logits.subarray(CLASSES).map((v, i) => Math.abs(v - logits[i])));
  const [whole, first] = [valuesOf(bounds), valuesOf(firstOrder)];
  const bound = Math.max(...whole) < apart ? whole : first;

  test('is the published network, except for its width', () => {
    const { strides, ada_pool } = VARIANTS[name] as { strides: readonly number[]; ada_pool?: readonly number[] };
    expect(config.strides).toEqual(strides);
    expect(config.ada_pool).toEqual(ada_pool ?? null);
    expect(config.dims.map((channels) => 256 * channels)).toEqual(VARIANTS[name].dims);
  });

  test('has a bound below the difference between two images', () => {
    expect(Math.max(...bound)).toBeLessThan(apart);
    // Only the composed bound is rigorous, so it must be used where it is small enough.
    if (['vanillanet_5', 'vanillanet_6', 'vanillanet_7'].includes(name)) expect(bound).toBe(whole);
  });

  describe.each(BUILDS)('%s', (build) => {
    let session: WasmSession;
    beforeAll(async () => {
      session = await createWasmBackend({ build }).open(streamOf(state), config);
    });

    test('every stage agrees with the reference on its actual input', async () => {
      const one = { data: x.data.subarray(0, x.data.length / 2), shape: [1, ...x.shape.slice(1)] };
      const layers = session.forwardLayers(one.data);
      expect(findStageMismatch(config, state, one, layers)).toBeNull();
      expect(await session.forward(one.data, 1)).toEqual(layers.get('cls.2')?.data);
    });

    test('the logits are within the bound', async () => {
      expect(findMismatch(await session.forward(x.data, 2), { shape: exact.shape, exact: logits, bound })).toBeNull();
    });
  });
});

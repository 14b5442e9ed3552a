/**
 * All eleven published networks, narrow: their stages, strides and adaptive pools,
 * with a 128th of their channels. Stage by stage, and the logits of the whole
 * against the bound of all stages; where that is larger than what an image makes of
 * a difference, as in deep networks, against the bound to first order.
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
import { misfit } from '../judge.js';
import { drawState } from '../networks.js';
import { stagesMisfit } from './stages.js';

const NAMES = Object.keys(VARIANTS) as VariantName[];

test('there are eleven', () => {
  expect(NAMES).toHaveLength(11);
});

const CLASSES = 4;

/** Weights twice as large, which is exact: a signal that thirteen stages do not drown in their biases. */
const lively = (state: StateDict): StateDict =>
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
    dims: variant.dims.map((channels) => channels / 128),
    num_classes: CLASSES,
    form: 'deploy',
    // Larger than the smallest by what fills no window.
    input_size: [75, 66],
  });
  const state = lively(drawState(config));
  const x = draw([2, 3, ...config.input_size], uniform(9));
  const oracle = new Map([...state].map(([key, { data, shape }]) => [key, tensor(data, shape)]));
  const { logits: exact, bounds, firstOrder } = float32Bound(config, oracle, tensor(x.data, x.shape));
  const logits = valuesOf(exact);
  /** How far apart the logits of the two images are. */
  const apart = Math.max(...logits.subarray(CLASSES).map((v, i) => Math.abs(v - logits[i])));
  const [whole, first] = [valuesOf(bounds), valuesOf(firstOrder)];
  const bound = Math.max(...whole) < apart ? whole : first;

  test('is the published one, but for its width', () => {
    const { strides, ada_pool } = VARIANTS[name] as { strides: readonly number[]; ada_pool?: readonly number[] };
    expect(config.strides).toEqual(strides);
    expect(config.ada_pool).toEqual(ada_pool ?? null);
    expect(config.dims.map((channels) => 128 * channels)).toEqual(VARIANTS[name].dims);
  });

  test('has a bound below the difference between two images', () => {
    expect(Math.max(...bound)).toBeLessThan(apart);
    // Only the bound of the whole network is certain; it must be used where it is informative.
    if (['vanillanet_5', 'vanillanet_6', 'vanillanet_7'].includes(name)) expect(bound).toBe(whole);
  });

  describe.each(BUILDS)('%s', (build) => {
    let session: WasmSession;
    beforeAll(async () => {
      session = await createWasmBackend({ build }).open(streamOf(state), config);
    });

    test('every stage is what the oracle makes of its input', async () => {
      const one = { data: x.data.subarray(0, x.data.length / 2), shape: [1, ...x.shape.slice(1)] };
      const layers = session.forwardLayers(one.data);
      expect(stagesMisfit(config, state, one, layers)).toBeNull();
      expect(await session.forward(one.data, 1)).toEqual(layers.get('cls.2')?.data);
    });

    test('the logits are within the bound', async () => {
      expect(misfit(await session.forward(x.data, 2), { shape: exact.shape, exact: logits, bound })).toBeNull();
    });
  });
});

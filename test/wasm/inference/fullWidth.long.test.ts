/**
 * VanillaNet-5 in its published width, 512 to 4096 channels and a thousand classes, on the smallest possible image,
 * because the reference is slow. Each stage is compared on the engine's actual input; the whole network is compared
 * with composed bounds, which are still a tenth of the signal.
 */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../../src/core/config.js';
import { ShapeError } from '../../../src/core/errors.js';
import type { FloatArray, Tensor } from '../../../src/core/tensor.js';
import { streamOf } from '../../../src/core/weights.js';
import { createWasmBackend } from '../../../src/wasm/inference/backend.js';
import { memoryPlan } from '../../../src/wasm/inference/memoryPlan.js';
import { BUILDS } from '../builds.js';
import { draw, uniform } from '../draw.js';
import { findMismatch, type Verdict } from '../judge.js';
import { drawState } from '../networks.js';
import { chain, findStageMismatch } from './stages.js';

const config = resolveConfig({ variant: 'vanillanet_5', form: 'deploy', input_size: 32 });
const state = drawState(config);
const x = draw([1, 3, ...config.input_size], uniform(8));

test('a smaller image would leave an empty map', () => {
  expect(() => memoryPlan({ ...config, input_size: 31 })).toThrow(ShapeError);
});

let verdicts: Map<string, Verdict>;
beforeAll(() => {
  verdicts = chain(config, state, x);
});

describe.each(BUILDS)('%s', (build) => {
  let layers: Map<string, Tensor>;
  let logits: FloatArray;
  beforeAll(async () => {
    const session = await createWasmBackend({ build }).open(streamOf(state), config);
    layers = session.forwardLayers(x.data);
    logits = await session.forward(x.data, 1);
    session.dispose();
  });

  test('every stage agrees with the reference on its actual input', () => {
    expect(findStageMismatch(config, state, x, layers)).toBeNull();
  });

  test('maps and logits are within the composed bounds', () => {
    expect([...layers.keys()]).toEqual(['stem', 'stages.0', 'stages.1', 'stages.2', 'cls.0', 'cls.2']);
    for (const [name, { data }] of layers) {
      const verdict = verdicts.get(name);
      if (verdict === undefined) throw new Error(`no ${name}`);
      expect(findMismatch(data, verdict)).toBeNull();
    }
  });

  test('the result is the same without reading layers, and with two threads', async () => {
    expect(logits).toHaveLength(1000);
    expect(logits).toEqual(layers.get('cls.2')?.data);
    const team = await createWasmBackend({ build, threads: 2 }).open(streamOf(state), config);
    expect(await team.forward(x.data, 1)).toEqual(logits);
    team.dispose();
  });
});

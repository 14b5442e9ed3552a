/** Any number of threads computes the same bits. */
import { expect } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { resolveConfig } from '../../../src/core/config.js';
import { streamOf } from '../../../src/core/weights.js';
import type { Build } from '../../../src/wasm/build.js';
import { createWasmBackend } from '../../../src/wasm/inference/backend.js';
import { draw, uniform } from '../draw.js';
import { drawState, type NARROW } from '../networks.js';

const IMAGES = 3;

/** A narrow network on one build. */
export interface ThreadCase {
  readonly build: Build;
  readonly sizes: (typeof NARROW)[number]['sizes'];
}

/** Expects of each number of threads the logits and the maps that one thread computes. */
export async function expectSameBits({ build, sizes }: ThreadCase, counts: readonly number[]): Promise<void> {
  const config = resolveConfig({ ...sizes, form: 'deploy' });
  const state = drawState(config);
  const x = draw([IMAGES, config.in_chans, ...config.input_size], uniform(5));
  const image = x.data.subarray(0, x.data.length / IMAGES);
  const open = async (threads: number) => createWasmBackend({ build, threads }).open(streamOf(state), config);
  const one = await open(1);
  const expected = await one.forward(x.data, IMAGES);
  const layers = one.forwardLayers(image);
  for (const threads of counts) {
    const team = await open(threads);
    expect(team.info).toMatchObject({ build, threads });
    // Most of the threads are still starting during the first calls.
    for (let i = 0; i < 10; i++) {
      expect(await team.forward(x.data, IMAGES)).toEqual(expected);
      await sleep(i);
    }
    expect(team.forwardLayers(image)).toEqual(layers);
    team.dispose();
  }
}

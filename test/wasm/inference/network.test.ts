/** The network's use of memory: it reads only what it has written, writes only to its blocks, and does not grow. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../../src/core/config.js';
import { streamOf } from '../../../src/core/weights.js';
import { createWasmBackend } from '../../../src/wasm/inference/backend.js';
import { sourceOf } from '../../../src/wasm/inference/build.js';
import { INFERENCE, instantiate } from '../../../src/wasm/module.js';
import { setPlanes } from '../../../src/wasm/inference/network.js';
import { BUILDS } from '../builds.js';
import { draw, uniform } from '../draw.js';
import { loadGuarded } from './guardedNetwork.js';
import { drawState, NARROW } from '../networks.js';
import { allLayers, findStageMismatch } from './stages.js';

const bits = (values: Float32Array): Uint32Array => new Uint32Array(values.slice().buffer);

describe.each(BUILDS.flatMap((build) => NARROW.map((network) => ({ build, ...network }))))(
  '$build, $label',
  ({ build, sizes }) => {
    const config = resolveConfig({ ...sizes, form: 'deploy' });
    const state = drawState(config);
    const x = draw([1, config.in_chans, ...config.input_size], uniform(4));

    test('reads no uninitialized memory, and writes only to its blocks', async () => {
      const kernels = await instantiate(INFERENCE, sourceOf(build));
      const { network, strayWrites } = await loadGuarded(kernels, config, state);
      setPlanes(network, x.data);
      network.run();
      const first = bits(network.logits);
      const session = await createWasmBackend({ build }).open(streamOf(state), config);
      expect(session.info.build).toBe(build);
      expect(first).toEqual(bits(Float32Array.from(await session.forward(x.data, 1))));
      const layers = allLayers(network);
      expect(findStageMismatch(config, state, x, layers)).toBeNull();
      expect(layers.get('cls.2')?.data).toEqual(Float32Array.from(await session.forward(x.data, 1)));
      expect(strayWrites()).toEqual([]);
    });

    test('gives the same bits with panels in reverse order, and in a thousand runs without growing memory', async () => {
      const kernels = await instantiate(INFERENCE, sourceOf(build));
      const { network } = await loadGuarded(kernels, config, state);
      setPlanes(network, x.data);
      network.run();
      const first = bits(network.logits);
      for (const region of network.layout.regions) {
        for (let panel = region.panels - 1; panel >= 0; panel--) network.runPanels(region, panel, panel + 1);
      }
      expect(bits(network.logits)).toEqual(first);
      const { byteLength } = kernels.memory.buffer;
      for (let i = 0; i < 1000; i++) network.run();
      expect(bits(network.logits)).toEqual(first);
      expect(kernels.memory.buffer.byteLength).toBe(byteLength);
    });
  },
);

/** What the network does with its memory: nothing is read unwritten, nothing written beside, nothing grows. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../../src/core/config.js';
import { streamOf } from '../../../src/core/weights.js';
import { createWasmBackend } from '../../../src/wasm/inference/backend.js';
import { sourceOf } from '../../../src/wasm/inference/build.js';
import { INFERENCE, instantiate } from '../../../src/wasm/module.js';
import { setPlanes } from '../../../src/wasm/inference/network.js';
import { BUILDS } from '../builds.js';
import { draw, uniform } from '../draw.js';
import { loadMarked } from './marked.js';
import { drawState, NARROW } from '../networks.js';
import { allLayers, stagesMisfit } from './stages.js';

const bits = (values: Float32Array): Uint32Array => new Uint32Array(values.slice().buffer);

describe.each(BUILDS.flatMap((build) => NARROW.map((network) => ({ build, ...network }))))(
  '$build, $label',
  ({ build, sizes }) => {
    const config = resolveConfig({ ...sizes, form: 'deploy' });
    const state = drawState(config);
    const x = draw([1, config.in_chans, ...config.input_size], uniform(4));

    test('reads nothing unwritten and writes nothing beside its blocks', async () => {
      const kernels = await instantiate(INFERENCE, sourceOf(build));
      const { network, strays } = await loadMarked(kernels, config, state);
      setPlanes(network, x.data);
      network.run();
      const first = bits(network.logits);
      const session = await createWasmBackend({ build }).open(streamOf(state), config);
      expect(session.info.build).toBe(build);
      expect(first).toEqual(bits(Float32Array.from(await session.forward(x.data, 1))));
      const layers = allLayers(network);
      expect(stagesMisfit(config, state, x, layers)).toBeNull();
      expect(layers.get('cls.2')?.data).toEqual(Float32Array.from(await session.forward(x.data, 1)));
      expect(strays()).toEqual([]);
    });

    test('gives the same bits panel by panel, backwards, for a thousand runs, in the same memory', async () => {
      const kernels = await instantiate(INFERENCE, sourceOf(build));
      const { network } = await loadMarked(kernels, config, state);
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

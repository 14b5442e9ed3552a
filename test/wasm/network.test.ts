/** What the network does with its memory: nothing is read unwritten, nothing written beside, nothing grows. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { streamOf } from '../../src/core/weights.js';
import { createWasmBackend } from '../../src/wasm/backend.js';
import { bytesOf } from '../../src/wasm/build.js';
import { instantiate } from '../../src/wasm/module.js';
import { probeNetwork, runNetwork } from '../../src/wasm/network.js';
import { BUILDS } from './builds.js';
import { draw, uniform } from './draw.js';
import { loadMarked } from './marked.js';
import { drawState, NARROW } from './networks.js';
import { stagesMisfit } from './stages.js';

const bits = (values: Float32Array): Uint32Array => new Uint32Array(values.slice().buffer);

describe.each(BUILDS.flatMap((build) => NARROW.map((network) => ({ build, ...network }))))(
  '$build, $label',
  ({ build, sizes }) => {
    const config = resolveConfig({ ...sizes, form: 'deploy' });
    const state = drawState(config);
    const x = draw([1, config.in_chans, ...config.input_size], uniform(4));

    test('reads nothing unwritten and writes nothing beside its blocks', async () => {
      const kernels = await instantiate(bytesOf(build));
      const { network, strays } = loadMarked(kernels, config, state);
      network.image.set(x.data);
      runNetwork(network);
      const first = bits(network.logits);
      const session = await createWasmBackend({ build }).open(streamOf(state), config);
      expect(session.build).toBe(build);
      expect(first).toEqual(bits(Float32Array.from(await session.forward(x.data, 1))));
      expect(stagesMisfit(config, state, x, probeNetwork(network))).toBeNull();
      expect(strays()).toEqual([]);
    });

    test('gives the same bits panel by panel, backwards, for a thousand runs, in the same memory', async () => {
      const kernels = await instantiate(bytesOf(build));
      const { network } = loadMarked(kernels, config, state);
      network.image.set(x.data);
      runNetwork(network);
      const first = bits(network.logits);
      network.pack();
      for (const { run, panels } of network.regions) {
        for (let panel = panels - 1; panel >= 0; panel--) run(panel, panel + 1);
      }
      expect(bits(network.logits)).toEqual(first);
      const { byteLength } = kernels.memory.buffer;
      for (let i = 0; i < 1000; i++) runNetwork(network);
      expect(bits(network.logits)).toEqual(first);
      expect(kernels.memory.buffer.byteLength).toBe(byteLength);
    });
  },
);

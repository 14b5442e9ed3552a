/** The debug build checks the arguments of the kernels: those of every network are valid. */
import { instantiate } from '@assemblyscript/loader';
import { expect, test } from '@jest/globals';
import { resolveConfig } from '../../../src/core/config.js';
import { streamOf } from '../../../src/core/weights.js';
import { planLayout } from '../../../src/wasm/inference/layout.js';
import { loadNetwork } from '../../../src/wasm/inference/network.js';
import type { ProgramExports } from '../../../src/wasm/module.js';
import { singleThread } from '../../../src/wasm/team.js';
import { compile, INFERENCE_ENTRY } from '../compile.js';
import { drawState, NARROW } from '../networks.js';
import { allLayers } from './stages.js';

test('every network passes valid arguments to its kernels', async () => {
  const debug = await compile('debug', INFERENCE_ENTRY);
  for (const { sizes } of NARROW) {
    const config = resolveConfig({ ...sizes, form: 'deploy' });
    const { exports } = await instantiate<Record<keyof ProgramExports, unknown>>(debug);
    const layout = planLayout(config);
    const instance = singleThread(exports as ProgramExports, layout);
    const network = await loadNetwork(instance, config, layout, streamOf(drawState(config)));
    expect(() => allLayers(network)).not.toThrow();
  }
});

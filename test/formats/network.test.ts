/** A network of PyTorch and PaddlePaddle has here the logits that PyTorch computed, in both forms. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModelConfigInput } from '../../src/core/config.js';
import { importWeights } from '../../src/formats/importWeights.js';
import type { RecognizeOptions } from '../../src/formats/recognize.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { fuseState } from '../../src/oracle/fuse.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/network/${name}`, import.meta.url));
const logits = JSON.parse(readFileSync(fixture('network.json'), 'utf8')) as Record<'weights' | 'average', number[]>;

const IMAGES = 2;
const x = Float64Array.from({ length: IMAGES * 3 * 32 * 32 }, (_, i) => ((i * i) % 1009) / 504 - 1);
const config: ModelConfigInput = { lambda: 1, input_size: 32 };

async function read(name: string, options: RecognizeOptions) {
  const weights = await importWeights(fixture(name), { config, ...options });
  try {
    return { state: await weights.readState(), config: weights.config };
  } finally {
    await weights.close();
  }
}

describe.each([
  ['official.pth', {}, 'average'],
  ['official.pth', { ema: false }, 'weights'],
  ['state.pth', {}, 'weights'],
  ['average.pdparams', {}, 'average'],
] as const)('%s %j', (name, options, which) => {
  test('has the logits of PyTorch in the reference', async () => {
    const { state, config: found } = await read(name, options);
    const model = await Model.open(state, found, referenceBackend);
    const got = await model.forward(x, IMAGES);
    // Both are in float64, and sum a few hundred products in another order.
    logits[which].forEach((expected, i) => {
      expect(Math.abs(got[i] - expected)).toBeLessThan(1e-13 * Math.max(...logits[which].map(Math.abs)) * 10);
    });
  });

  test('has them within the bound when it is fused, in WebAssembly', async () => {
    const { state, config: found } = await read(name, options);
    const fused = fuseState(state, found);
    const model = await Model.open(fused.state, fused.config, wasmBackend);
    const got = await model.forward(Float32Array.from(x), IMAGES);
    logits[which].forEach((expected, i) => {
      expect(Math.abs(got[i] - expected)).toBeLessThan(fused.report.float32Bound);
    });
    expect(fused.report.float32Bound).toBeLessThan(0.01 * Math.max(...logits[which].map(Math.abs)));
    model.dispose();
  });
});

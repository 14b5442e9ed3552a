/**
 * Compares gradients that are accumulated over passes with their mean. With k passes, each term is rounded by k − 1
 * sums and a quotient, so the bound is γ_k of the mean of their magnitudes.
 */
import type { FloatArray } from '../../../src/core/tensor.js';
import { tensorsAt } from '../../../src/wasm/training/tensors.js';
import { gammaOf, WASM } from '../../judges/arithmetic.js';
import { draw, uniform } from '../draw.js';
import { Chain, type NETWORKS } from './chain.js';

const PASSES = 3;

/** Checks two steps of random gradients. @returns the first error, or null */
export async function findAccumulationMismatch(
  wasm: Uint8Array,
  network: (typeof NETWORKS)[number],
): Promise<string | null> {
  const chain = await Chain.open(wasm, network.sizes, network.n, { form: network.form, gradAccumSteps: PASSES });
  const { tensors, blocks, accumulation } = chain.layout;
  if (accumulation === null) return 'no block for the sum';
  const places = tensorsAt(tensors, blocks.grad);
  const random = uniform(41);
  for (let step = 0; step < 2; step++) {
    const passes: ReadonlyMap<string, FloatArray>[] = [];
    for (let k = 1; k <= PASSES; k++) {
      const drawn = new Map([...places].map(([name, { shape }]) => [name, draw(shape, random)]));
      passes.push(new Map([...drawn].map(([name, { data }]) => [name, data])));
      chain.load(places, drawn);
      accumulation.op.set(chain.view, { passes: k });
      chain.run(accumulation.span);
      for (const [name, { data }] of chain.readAll(places)) {
        const wrong = data.findIndex((got, i) => {
          const each = passes.map((pass) => pass.get(name)?.[i] ?? NaN);
          const mean = each.reduce((a, b) => a + b, 0) / k;
          const size = each.reduce((a, b) => a + Math.abs(b), 0) / k;
          return !(Math.abs(got - mean) <= gammaOf(WASM)(k) * size);
        });
        if (wrong >= 0) return `${name}, pass ${k} of step ${step}: ${data[wrong]}`;
      }
    }
  }
  return null;
}

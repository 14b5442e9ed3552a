/**
 * Compares the average of the state with the reference. e + r·(p − e), with r rounded once, is a difference, a product
 * and a sum, so the bound is 3u·r·|p − e| + u·|average|.
 */
import { ema, valuesOf } from '../../../reference/index.js';
import { stateToOracle } from '../../../src/oracle/state.js';
import { tensorsAt } from '../../../src/wasm/training/tensors.js';
import { draw, uniform } from '../draw.js';
import { Chain, type NETWORKS } from './chain.js';

const U = 2 ** -24;

/** Checks one step of a random average. @returns the first error, or null */
export async function findAverageMismatch(
  wasm: Uint8Array,
  network: (typeof NETWORKS)[number],
  decay: number,
): Promise<string | null> {
  const chain = await Chain.open(wasm, network.sizes, network.n, { form: network.form, ema: true });
  const { tensors, blocks, average } = chain.layout;
  if (average === null || blocks.ema === null) return 'no block for the average';
  const places = tensorsAt(tensors, blocks.ema, { buffers: true });
  const random = uniform(51);
  chain.load(places, new Map([...places].map(([name, { shape }]) => [name, draw(shape, random)])));
  const [before, state] = [chain.readAll(places), chain.readAll(tensors)];

  average.op.set(chain.view, { rest: 1 - decay });
  chain.run(average.average);
  const exact = ema(stateToOracle(before), stateToOracle(state), decay);
  const after = chain.readAll(places);
  for (const [name, { data }] of after) {
    const want = exact.get(name);
    const values = want === undefined ? [] : [...valuesOf(want)];
    const wrong = values.findIndex((value, i) => {
      const far = Math.abs((state.get(name)?.data[i] ?? NaN) - (before.get(name)?.data[i] ?? NaN));
      const bound = 4 * U * (1 - decay) * far + U * (Math.abs(value) + 4 * U * far);
      return !(Math.abs(data[i] - value) <= bound);
    });
    if (values.length !== data.length || wrong >= 0) return `${name}: ${data[wrong]}, not ${values[wrong]}`;
  }

  // Swaps the state with its average, and back.
  chain.run(average.exchange);
  for (const [name, { data }] of after) {
    const [there, here] = [chain.tensor(name).data, state.get(name)?.data ?? []];
    if (data.some((v, i) => there[i] !== v)) return `${name}: not the average`;
    if (
      chain
        .readAll(places)
        .get(name)
        ?.data.some((v, i) => v !== here[i]) !== false
    )
      return `${name}: not the state`;
  }
  return null;
}

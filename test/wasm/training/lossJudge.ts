/** Compares losses and their gradients with the reference. */
import type { Loss } from '../../../src/core/optimizer.js';
import { pitchOf } from '../../../src/wasm/training/planes.js';
import { WASM } from '../../judges/arithmetic.js';
import { lossBound } from '../../judges/training/lossBound.js';
import { draw, uniform } from '../draw.js';
import { Chain, type NETWORKS } from './chain.js';

/**
 * Checks losses and gradients of random logits. @param scale magnitude of the logits @returns the first error, or null
 */
export async function findLossMismatch(
  wasm: Uint8Array,
  network: (typeof NETWORKS)[number],
  loss: Loss,
  scale: number,
): Promise<string | null> {
  const chain = await Chain.open(wasm, network.sizes, network.n, { form: network.form, loss });
  const { n, layout, floats, view } = chain;
  const classes = chain.config.num_classes;
  const x = draw([n, classes], uniform(41)).data.map((v) => scale * v);
  const q = draw([n, classes], uniform(42)).data.map((v, i) => (i % 3 === 0 ? Number(v > 0) : Math.abs(v)));
  const pitch = pitchOf(n) / 4;
  const place = (block: number, i: number, c: number): number => block / 4 + (c >> 2) * pitch + 4 * i + (c & 3);
  const [{ dy }] = layout.units.slice(-1);
  floats.fill(NaN, dy / 4, dy / 4 + layout.sideBytes / 4);
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < classes; c++) floats[place(layout.logits.block, i, c)] = x[i * classes + c];
  }
  floats.set(q, layout.targets / 4);
  const [first] = layout.backward;
  chain.run([first, first + 1]);

  const shape = [n, classes];
  const { losses, dlogits } = lossBound(loss, { data: x, shape }, { data: q, shape }, WASM);
  for (let i = 0; i < n; i++) {
    const got = view.getFloat64(layout.losses + 8 * i, true);
    const exact = losses.exact[i];
    if (!(Math.abs(got - exact) <= losses.bound[i])) return `loss of image ${i}: ${got}, not ${exact}`;
    for (let c = 0; c < layout.logits.channels; c++) {
      const dx = floats[place(dy, i, c)];
      const at = i * classes + c;
      const [want, bound] = c < classes ? [dlogits.exact[at], dlogits.bound[at]] : [0, 0];
      if (!(Math.abs(dx - want) <= bound)) return `image ${i}, class ${c}: ${dx}, not ${want}`;
    }
  }
  return null;
}

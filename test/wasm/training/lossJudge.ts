/**
 * Holds the losses against the oracle. They are worked out in float64 with an exp and a
 * log within 2 ulp, so what is off is a few ulp of float64 of every term of the sums, of
 * which 32 a class are granted; the gradient is rounded to float32 once more.
 */
import {
  bceWithLogits,
  bceWithLogitsBackward,
  crossEntropy,
  crossEntropyBackward,
  tensor,
  valuesOf,
} from '../../../reference/index.js';
import type { Loss } from '../../../src/core/optimiser.js';
import type { FloatArray } from '../../../src/core/tensor.js';
import { pitchOf } from '../../../src/wasm/training/planes.js';
import { draw, uniform } from '../draw.js';
import { Chain, type NETWORKS } from './chain.js';

const SLACK = 32 * 2 ** -53;

/** How far a gradient of the mean over n images may be off. @param want the exact one */
export const slopeBound = (want: number, n: number, classes: number): number =>
  2 ** -24 * Math.abs(want) + (SLACK * classes * (1 + classes)) / n;

/** What is wrong with losses and gradients of drawn logits, or null. @param scale of the logits */
export async function lossMisfit(
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

  const row = (values: FloatArray, i: number) => tensor(values.slice(i * classes, (i + 1) * classes), [1, classes]);
  const [value, slope] = loss === 'bce' ? [bceWithLogits, bceWithLogitsBackward] : [crossEntropy, crossEntropyBackward];
  for (let i = 0; i < n; i++) {
    const [logits, shares] = [row(x, i), row(q, i)];
    const exact = value(logits, shares);
    const got = view.getFloat64(layout.losses + 8 * i, true);
    // Bce adds up what is positive; what cross-entropy adds up is as large as the logits.
    const size = loss === 'bce' ? exact : classes * (2 * scale + Math.log(classes));
    if (!(Math.abs(got - exact) <= SLACK * classes * size)) return `loss of image ${i}: ${got}, not ${exact}`;
    const grads = valuesOf(slope(logits, shares)).map((v) => v / n);
    for (let c = 0; c < layout.logits.channels; c++) {
      const dx = floats[place(dy, i, c)];
      const want = c < classes ? grads[c] : 0;
      const bound = c < classes ? slopeBound(want, n, classes) : 0;
      if (!(Math.abs(dx - want) <= bound)) return `image ${i}, class ${c}: ${dx}, not ${want}`;
    }
  }
  return null;
}

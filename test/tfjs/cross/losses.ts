/** Compares losses and their gradients on an engine with the reference, for small and large random logits. */
import type { Tensor } from '../../../src/core/tensor.js';
import type { Matrix } from '../../../src/tfjs/tf.js';
import { draw, uniform } from '../../wasm/draw.js';
import type { EngineUnderTest } from './engine.js';
import { lossBound } from '../../judges/training/lossBound.js';
import { read } from './read.js';
import { rowOf, type Row } from './row.js';

const SHAPE = [5, 7];

export async function lossRows({ tf, parts, arithmetic }: EngineUnderTest): Promise<Row[]> {
  const rows: Row[] = [];
  for (const kind of ['cross-entropy', 'bce'] as const) {
    for (const scale of [0.5, 20]) {
      const x: Tensor = { data: draw(SHAPE, uniform(41)).data.map((v) => scale * v), shape: SHAPE };
      // Targets that do not sum to 1, some of them 0 or 1.
      const q: Tensor = {
        data: draw(SHAPE, uniform(42)).data.map((v, i) => (i % 3 === 0 ? Number(v > 0) : Math.abs(v))),
        shape: SHAPE,
      };
      const [losses, dlogits] = tf.tidy(() => {
        const [logits, shares] = [x, q].map(({ data }): Matrix =>
          tf.tensor(Float32Array.from(data), [5, 7], 'float32'),
        );
        const { crossEntropy, crossEntropyBackward } = parts.crossEntropy;
        const { bceWithLogits, bceWithLogitsBackward } = parts.bceWithLogits;
        return kind === 'bce'
          ? [bceWithLogits(tf, logits, shares), bceWithLogitsBackward(tf, logits, shares)]
          : [crossEntropy(tf, logits, shares), crossEntropyBackward(tf, logits, shares)];
      });
      const verdict = lossBound(kind, x, q, arithmetic);
      const [value, slope] = [await read(losses), await read(dlogits)];
      losses.dispose();
      dlogits.dispose();
      const network = `logits up to ${scale}`;
      const at = kind;
      rows.push(rowOf(kind, network, [{ got: value.data, verdict: verdict.losses, at }]));
      const back = [{ got: slope.data, verdict: verdict.dlogits, at }];
      rows.push(rowOf(`${kind} backward`, network, back));
    }
  }
  return rows;
}

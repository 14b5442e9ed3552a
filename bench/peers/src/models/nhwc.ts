/**
 * The weights in the layout and format of TensorFlow.js: the concatenated values, and a manifest that describes them.
 */
import type { StateDict } from '../../../../dist/src/entries/index.js';
import type { Chain } from './chain.js';
import { bytesOf, permute, tensorOf, type Float32Tensor } from './tensors.js';

/** An entry of the manifest, as `tf.io.decodeWeights` expects it. */
export interface WeightSpec {
  readonly name: string;
  readonly shape: number[];
  readonly dtype: 'float32';
}

/** [k,c,kh,kw] to [kh,kw,c,k], and [c,1,kh,kw] to [kh,kw,c,1]. */
const layouts = { dense: [2, 3, 1, 0], depthwise: [2, 3, 0, 1] };

export function encodeNhwc({ body, head }: Chain, state: StateDict): { manifest: WeightSpec[]; bytes: Uint8Array } {
  const tensors = [...body, head].flatMap(({ name, depthwise }): [string, Float32Tensor][] => [
    [`${name}.weight`, permute(tensorOf(state, `${name}.weight`), depthwise ? layouts.depthwise : layouts.dense)],
    [`${name}.bias`, tensorOf(state, `${name}.bias`)],
  ]);
  return {
    manifest: tensors.map(([name, { shape }]) => ({ name, shape: [...shape], dtype: 'float32' })),
    bytes: Buffer.concat(tensors.map(([, { data }]) => bytesOf(data))),
  };
}

import type { Tensor } from '../core/tensor.js';
import type { HeatMap, Worst } from './comparison.js';
import type { OracleResult } from './oracle.js';

/** The channel that the worst element lies in. Features and logits, of one pixel a channel, become one row of all channels. */
export function heatMapOf(
  layer: string,
  { data, shape }: Tensor,
  { exact, bound }: OracleResult,
  { at }: Worst,
): HeatMap {
  const [, c, h, w] = shape;
  const flat = h * w === 1;
  const [image, channel] = flat ? [at[0], 0] : at;
  const [height, width] = flat ? [1, c] : [h, w];
  const from = (image * c + channel) * h * w;
  const to = from + height * width;
  const errors = Float64Array.from({ length: to - from }, (_, i) => Math.abs(data[from + i] - exact[from + i]));
  return { layer, image, channel, height, width, errors, bounds: bound.slice(from, to) };
}

import type { Tensor } from '../core/tensor.js';
import type { HeatMap, Worst } from './comparison.js';
import type { ReferenceOutput } from './referenceLayers.js';

/** The heat map of the channel with the worst element. For features and logits, which have one pixel a channel, it is one row of all channels. */
export function heatMapOf(
  layer: string,
  { data, shape }: Tensor,
  { exact, bound }: ReferenceOutput,
  { at }: Worst,
): HeatMap {
  const [, c, h, w] = shape;
  const isVector = h * w === 1;
  const [image, channel] = isVector ? [at[0], 0] : at;
  const [height, width] = isVector ? [1, c] : [h, w];
  const from = (image * c + channel) * h * w;
  const to = from + height * width;
  const errors = Float64Array.from({ length: to - from }, (_, i) => Math.abs(data[from + i] - exact[from + i]));
  return { layer, image, channel, height, width, errors, bounds: bound.slice(from, to) };
}

/**
 * Gradients of several logits of one image at once. The logits are the last axis, the lanes, because they share the
 * zeros: where a ReLU is closed or a pool passes nothing, no logit has a gradient.
 */
import type { Tensor } from '../../core/tensor.js';
import { LANES } from '../../wasm/float64/descriptors.js';
import type { Float64Kernels } from '../../wasm/float64/kernels.js';
import type { Window } from './convolution.js';
import { matrix } from './matrix.js';
import type { Steps } from './multiply.js';

/** The gradients with respect to the maps [c,h,w] of one image. */
export interface Gradient {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** [c, h·w, LANES], or [c, outputs of the pool, LANES]. */
  readonly values: Float64Array;
  /** Where not all of the values are 0; null for everywhere. */
  readonly live: Uint8Array | null;
  /** The place of each value in its plane, if a pool chose it; null for the values of all places. */
  readonly positions: Int32Array | null;
}

/** Values of a channel, without the lanes. */
const valuesPerChannel = ({ values, channels }: Gradient): number => values.length / LANES / channels;

/** The planes of a gradient one after the other, [h·w, LANES], with those values that a pool leaves out as 0. */
function* planesOf(gradient: Gradient): Generator<Float64Array> {
  const { channels, height, width, values, positions } = gradient;
  const count = valuesPerChannel(gradient);
  if (positions === null) {
    for (let c = 0; c < channels; c++) yield values.subarray(c * count * LANES, (c + 1) * count * LANES);
    return;
  }
  const plane = new Float64Array(height * width * LANES);
  for (let c = 0; c < channels; c++) {
    plane.fill(0);
    for (let i = c * count; i < (c + 1) * count; i++) {
      // Windows may overlap.
      const place = LANES * positions[i];
      for (let lane = 0; lane < LANES; lane++) plane[place + lane] += values[LANES * i + lane];
    }
    yield plane;
  }
}

/**
 * Adds Σ |dy|·δ over the elements of the maps, in their order, to the sum of each lane.
 *
 * @param deltas the lists of δ, each with its sums
 */
export function addWeighted(
  gradient: Gradient,
  deltas: readonly { readonly delta: Float64Array; readonly sums: Float64Array }[],
): void {
  const pixels = gradient.height * gradient.width;
  let first = 0;
  for (const plane of planesOf(gradient)) {
    for (const { delta, sums } of deltas) {
      const own = delta.subarray(first, first + pixels);
      if (own.every(Number.isFinite)) addFinite(sums, plane, own);
      else addAny(sums, plane, own);
    }
    first += pixels;
  }
}

/** Four lanes at a time, whose sums do not wait for each other. */
function addFinite(sums: Float64Array, plane: Float64Array, delta: Float64Array): void {
  for (let lane = 0; lane < LANES; lane += 4) {
    let [s0, s1, s2, s3] = [sums[lane], sums[lane + 1], sums[lane + 2], sums[lane + 3]];
    for (let i = 0, at = lane; i < delta.length; i++, at += LANES) {
      const d = delta[i];
      s0 += Math.abs(plane[at]) * d;
      s1 += Math.abs(plane[at + 1]) * d;
      s2 += Math.abs(plane[at + 2]) * d;
      s3 += Math.abs(plane[at + 3]) * d;
    }
    sums[lane] = s0;
    sums[lane + 1] = s1;
    sums[lane + 2] = s2;
    sums[lane + 3] = s3;
  }
}

/** 0 · ∞ would be NaN: an infinite δ does not count where the gradient is 0. */
function addAny(sums: Float64Array, plane: Float64Array, delta: Float64Array): void {
  for (let i = 0; i < delta.length; i++) {
    for (let lane = 0; lane < LANES; lane++) {
      const v = plane[LANES * i + lane];
      if (v !== 0) sums[lane] += Math.abs(v) * delta[i];
    }
  }
}

/** The gradient before a ReLU. @param x the input of the ReLU, for this image */
export function reluBackward(dy: Gradient, x: Float64Array): Gradient {
  const { values } = dy;
  const live = new Uint8Array(x.length);
  for (let i = 0; i < x.length; i++) {
    if (x[i] > 0) live[i] = 1;
    else {
      for (let at = LANES * i; at < LANES * (i + 1); at++) {
        values[at] *= 0;
        // 0 · ∞ is NaN.
        if (values[at] !== 0) live[i] = 1;
      }
    }
  }
  return { ...dy, live };
}

/** The gradient before a mean over the pixels of each channel. */
export function globalAvgPoolBackward(dy: Gradient, height: number, width: number): Gradient {
  const pixels = height * width;
  const values = new Float64Array(dy.values.length * pixels);
  for (let c = 0; c < dy.channels; c++) {
    for (let lane = 0; lane < LANES; lane++) {
      const share = dy.values[c * LANES + lane] / pixels;
      for (let i = 0; i < pixels; i++) values[(c * pixels + i) * LANES + lane] = share;
    }
  }
  return { channels: dy.channels, height, width, values, live: null, positions: null };
}

/** The gradient before a depthwise convolution that keeps the size of the map; replaces the values of dy. */
export function* depthwiseBackward(
  kernels: Float64Kernels,
  dy: Gradient,
  weight: ArrayLike<number>,
  padding: number,
): Steps<Gradient> {
  const { channels, height, width, values } = dy;
  const plane = height * width * LANES;
  const taps = weight.length / channels;
  const [output, input, kernel] = kernels.reserve(plane, plane, taps);
  for (let c = 0; c < channels; c++) {
    input.values.set(values.subarray(c * plane, (c + 1) * plane));
    for (let i = 0; i < taps; i++) kernel.values[i] = weight[c * taps + i];
    kernels.run.depthwiseBackward(output.address, input.address, kernel.address, height, width, padding);
    values.set(output.values, c * plane);
  }
  yield channels * plane * taps;
  return { ...dy, live: null };
}

/** For each pixel, the channels whose gradient is not 0 there, in ascending order, and the places of their values. */
interface Lists {
  /** The entries of pixel p are [first[p], first[p + 1]). */
  readonly first: Int32Array;
  readonly channel: Int32Array;
  readonly place: Int32Array;
}

function listsOf(dy: Gradient): Lists {
  const { channels, height, width, live, positions } = dy;
  const count = valuesPerChannel(dy);
  const visit = (entry: (pixel: number, place: number, channel: number) => void): void => {
    for (let c = 0, i = 0; c < channels; c++) {
      for (let value = 0; value < count; value++, i++) {
        if (live === null || live[i] === 1) entry(positions === null ? value : positions[i], i, c);
      }
    }
  };
  const first = new Int32Array(height * width + 1);
  visit((pixel) => first[pixel + 1]++);
  for (let pixel = 0; pixel < height * width; pixel++) first[pixel + 1] += first[pixel];
  const entries = first[height * width];
  const [channel, place] = [new Int32Array(entries), new Int32Array(entries)];
  const next = first.slice();
  visit((pixel, i, c) => {
    const at = next[pixel]++;
    channel[at] = c;
    place[at] = i;
  });
  return { first, channel, place };
}

/** Columns of the weights of a step, a multiple of 4, and the doubles of memory for them. */
const [MOST_COLUMNS, MOST_DOUBLES] = [128, 2 ** 20];

/** Packs columns of the weights [k, taps] as panels of four: [tile][k][4]. */
function packColumns(panels: Float64Array, { data, shape }: Tensor, from: number, columns: number): void {
  const [k] = shape;
  const rows = matrix(data, data.length / k);
  const line = new Float64Array(4 * Math.ceil(columns / 4));
  for (let out = 0; out < k; out++) {
    rows.read(out, from, from + columns, line);
    for (let j = 0; j < line.length; j++) panels[(j - (j % 4)) * k + 4 * out + (j % 4)] = line[j];
  }
}

/**
 * The gradient before a convolution:
 *
 *     dx[c,h,w] = Σ dy[k,oh,ow] · w[k,c,i,j]        over all taps that read x[c,h,w]
 *
 * Each dx adds its products by ascending output pixel and k, as in the reference, but without those of dy = 0, which
 * change nothing.
 *
 * @param input [c,h,w]
 */
export function* convBackward(
  kernels: Float64Kernels,
  dy: Gradient,
  weight: Tensor,
  { stride, padding }: Window,
  [channels, height, width]: readonly [number, number, number],
): Steps<Gradient> {
  const [k, , kh, kw] = weight.shape;
  const taps = channels * kh * kw;
  const values = new Float64Array(channels * height * width * LANES);
  const { first, channel, place } = listsOf(dy);
  const most = Math.max(4, Math.min(MOST_COLUMNS, 4 * Math.floor(MOST_DOUBLES / k / 4)));
  const overlap = stride < kh || stride < kw;
  for (let from = 0; from < taps; from += most) {
    const columns = Math.min(most, taps - from);
    const tiles = Math.ceil(columns / 4);
    const [panels, sums, gradients, list] = kernels.reserve(4 * tiles * k, 4 * tiles * LANES, k * LANES, k);
    const indices = new Int32Array(list.values.buffer, list.address, k);
    packColumns(panels.values, weight, from, columns);
    let products = 0;
    for (let pixel = 0; pixel < dy.height * dy.width; pixel++) {
      const count = gather(dy.values, { channel, place }, first[pixel], first[pixel + 1], gradients.values, indices);
      if (count === 0) continue;
      const [top, left] = [Math.floor(pixel / dy.width) * stride - padding, (pixel % dy.width) * stride - padding];
      /** The place of a tap's pixel in x; −1 outside of the image. */
      const placeOf = (tap: number): number => {
        const inside = tap % (kh * kw);
        const [row, column] = [top + Math.floor(inside / kw), left + (inside % kw)];
        if (row < 0 || row >= height || column < 0 || column >= width) return -1;
        return LANES * ((((tap - inside) / (kh * kw)) * height + row) * width + column);
      };
      if (overlap) {
        for (let tap = 0; tap < columns; tap++) {
          const at = placeOf(from + tap);
          if (at >= 0) for (let lane = 0; lane < LANES; lane++) sums.values[LANES * tap + lane] = values[at + lane];
        }
      } else {
        sums.values.fill(0);
      }
      kernels.run.accumulate(sums.address, panels.address, gradients.address, list.address, tiles, k, count);
      for (let tap = 0; tap < columns; tap++) {
        const at = placeOf(from + tap);
        if (at >= 0) for (let lane = 0; lane < LANES; lane++) values[at + lane] = sums.values[LANES * tap + lane];
      }
      products += columns * count * LANES;
      if (products > 2 ** 26) {
        yield products;
        products = 0;
      }
    }
    yield products;
  }
  return { channels, height, width, values, live: null, positions: null };
}

/** Copies the gradients of a pixel; those of windows that overlap there are added. @returns the number of channels */
function gather(
  values: Float64Array,
  { channel, place }: Pick<Lists, 'channel' | 'place'>,
  from: number,
  end: number,
  gradients: Float64Array,
  indices: Int32Array,
): number {
  let count = 0;
  for (let entry = from; entry < end; entry++) {
    const source = LANES * place[entry];
    if (entry > from && channel[entry] === channel[entry - 1]) {
      const target = LANES * (count - 1);
      for (let lane = 0; lane < LANES; lane++) gradients[target + lane] += values[source + lane];
    } else {
      const target = LANES * count;
      for (let lane = 0; lane < LANES; lane++) gradients[target + lane] = values[source + lane];
      indices[count++] = channel[entry];
    }
  }
  return count;
}

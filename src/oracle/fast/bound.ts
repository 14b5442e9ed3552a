/** Bounds on the error of a float32 run of the deploy form: `float32Bound` of the reference, which derives them. */
import { SMALLEST_FLOAT32, UNIT_ROUNDOFF } from '../../../reference/index.js';
import type { Layer } from '../../core/network.js';
import type { StateDict } from '../../core/tensor.js';
import { unreachable } from '../../core/unreachable.js';
import { LANES } from '../../wasm/float64/descriptors.js';
import type { Float64Kernels } from '../../wasm/float64/kernels.js';
import { deviation, type Deviation } from './deviation.js';
import { runLayer, tensorOf, valuesOf } from './forward.js';
import {
  addWeighted,
  convBackward,
  depthwiseBackward,
  globalAvgPoolBackward,
  reluBackward,
  type Gradient,
} from './gradient.js';
import { mapped, maxima, type FeatureMap, type Maxima } from './map.js';
import type { Steps } from './multiply.js';

/** What the backward pass needs of a layer. Lists are those of all images. */
interface Step {
  readonly layer: Layer;
  /** The input, for a ReLU. */
  readonly x: Float64Array | null;
  /** The places of the maxima, for a pool. */
  readonly positions: Int32Array | null;
  /** δ of the layer for an input with an error, and for an exact one. */
  readonly local: Float64Array;
  readonly exact: Float64Array;
}

/** What makes a run differ from the one in float64. */
export interface ErrorSource {
  /** The error of the images. */
  inputError(probe: FeatureMap): FeatureMap;
  /** As `deviation`. @param e null for an exact input */
  deviation(
    kernels: Float64Kernels,
    layer: Layer,
    state: StateDict,
    x: FeatureMap,
    e: FeatureMap | null,
    pooled: Maxima | null,
  ): Steps<Deviation>;
}

/** Rounding to float32. */
const FLOAT32: ErrorSource = {
  inputError: (probe) => mapped(probe, (v) => UNIT_ROUNDOFF * Math.abs(v) + SMALLEST_FLOAT32),
  deviation,
};

export interface Bounds {
  /** [n, num_classes], as the others. */
  readonly logits: Float64Array;
  /** The largest of `bounds`. */
  readonly bound: number;
  /** NaN for logits without a bound. */
  readonly bounds: Float64Array;
  readonly firstOrder: Float64Array;
}

/** The part of a list of all images that belongs to one. */
function partOf<T extends Float64Array | Int32Array>(values: T, image: number, images: number): T {
  const size = values.length / images;
  return values.subarray(image * size, (image + 1) * size) as T;
}

/** Runs the network, and bounds what each layer adds. */
function* forward(
  kernels: Float64Kernels,
  layers: readonly Layer[],
  state: StateDict,
  probe: FeatureMap,
  inputError: FeatureMap,
  source: ErrorSource,
): Steps<{ readonly steps: readonly Step[]; readonly logits: Float64Array; readonly worst: Float64Array }> {
  const steps: Step[] = [];
  let [x, e] = [probe, inputError];
  for (const layer of layers) {
    const pooled = layer.op === 'maxPool2d' || layer.op === 'adaptiveMaxPool2d' ? maxima(x, layer) : null;
    const y = pooled === null ? yield* runLayer(kernels, layer, state, x) : pooled.y;
    const exact = (yield* source.deviation(kernels, layer, state, x, null, pooled)).local;
    const { local, total } = yield* source.deviation(kernels, layer, state, x, e, pooled);
    steps.push({
      layer,
      x: layer.op === 'leakyRelu' ? x.data : null,
      positions: pooled?.positions ?? null,
      local: local.data,
      exact: exact.data,
    });
    [x, e] = [y, total];
  }
  return { steps, logits: x.data, worst: e.data };
}

/** The gradient before a layer, for one image. */
function* backward(
  kernels: Float64Kernels,
  { layer, x, positions }: Step,
  state: StateDict,
  dy: Gradient,
  image: number,
  images: number,
): Steps<Gradient> {
  const { name } = layer;
  switch (layer.op) {
    case 'conv2d':
      return yield* convBackward(kernels, dy, tensorOf(state, `${name}.weight`), layer, layer.input);
    case 'depthwiseConv2d':
      return yield* depthwiseBackward(kernels, dy, valuesOf(state, `${name}.weight`), layer.padding);
    case 'leakyRelu':
      return x === null ? dy : reluBackward(dy, partOf(x, image, images));
    case 'maxPool2d':
    case 'adaptiveMaxPool2d': {
      const [, height, width] = layer.input;
      return { ...dy, height, width, positions: positions === null ? null : partOf(positions, image, images) };
    }
    case 'globalAvgPool':
      return globalAvgPoolBackward(dy, layer.input[1], layer.input[2]);
    case 'dropout':
      return dy;
    case 'batchNorm':
      throw new Error('The deploy form has no batch normalization.');
    default:
      return unreachable(layer);
  }
}

/** The gradients of some logits with respect to all logits. */
function oneHot(classes: number, ranked: readonly number[]): Gradient {
  const values = new Float64Array(classes * LANES);
  const live = new Uint8Array(classes);
  ranked.forEach((c, lane) => {
    values[c * LANES + lane] = 1;
    live[c] = 1;
  });
  return { channels: classes, height: 1, width: 1, values, live, positions: null };
}

/**
 * Logits and bounds for a batch of images.
 *
 * @param layers of the deploy form
 * @param state checked
 * @param most number of logits to bound for each image, the largest ones; at most LANES
 * @param source what makes the other run differ; by default rounding to float32
 */
export function* boundLogits(
  kernels: Float64Kernels,
  layers: readonly Layer[],
  state: StateDict,
  probe: FeatureMap,
  most: number,
  source: ErrorSource = FLOAT32,
): Steps<Bounds> {
  const inputError = source.inputError(probe);
  const { steps, logits, worst } = yield* forward(kernels, layers, state, probe, inputError, source);
  const [n] = probe.shape;
  const classes = logits.length / n;
  const [bounds, firstOrder] = [new Float64Array(logits.length).fill(NaN), new Float64Array(logits.length).fill(NaN)];
  let bound = 0;
  for (let image = 0; image < n; image++) {
    const own = partOf(logits, image, n);
    const ranked = Array.from(own, (_, c) => c)
      .sort((a, b) => own[b] - own[a])
      .slice(0, most);
    const [sums, firstSums] = [new Float64Array(LANES), new Float64Array(LANES)];
    let dy = oneHot(classes, ranked);
    for (const step of [...steps].reverse()) {
      addWeighted(dy, [
        { delta: partOf(step.local, image, n), sums },
        { delta: partOf(step.exact, image, n), sums: firstSums },
      ]);
      yield 0;
      dy = yield* backward(kernels, step, state, dy, image, n);
    }
    const delta = partOf(inputError.data, image, n);
    addWeighted(dy, [
      { delta, sums },
      { delta, sums: firstSums },
    ]);
    ranked.forEach((c, lane) => {
      // The propagated worst case is a bound too, and the smaller one for very shallow networks.
      const logit = image * classes + c;
      bounds[logit] = Math.min(sums[lane], worst[logit]);
      firstOrder[logit] = firstSums[lane];
      bound = Math.max(bound, bounds[logit]);
    });
  }
  return { logits, bound, bounds, firstOrder };
}

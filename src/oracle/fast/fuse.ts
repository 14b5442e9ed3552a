/** Fusion at full width: what `fuse` of the reference computes, bit for bit, in blocks. */
import type { FusionReport } from '../../../reference/index.js';
import type { ModelConfig } from '../../core/config.js';
import { planNetwork, type Layer } from '../../core/network.js';
import type { StateDict } from '../../core/tensor.js';
import { LANES } from '../../wasm/float64/descriptors.js';
import type { Float64Kernels } from '../../wasm/float64/kernels.js';
import { boundLogits } from './bound.js';
import { checkTrainState, composeProducts, composeState } from './compose.js';
import { runNetwork } from './forward.js';
import type { FeatureMap } from './map.js';
import type { Steps } from './multiply.js';

/** Progress of a fusion: products of two weights, or of a weight and a pixel. */
export interface FusionProgress {
  readonly done: number;
  readonly total: number;
}

export interface Fusion {
  readonly state: StateDict;
  readonly report: FusionReport;
  /** [n, num_classes], as the others. */
  readonly logits: Float64Array;
  readonly bounds: Float64Array;
  readonly firstOrder: Float64Array;
}

/** Passes of the convolutions forward: the logits, one δ for exact inputs, and one δ and one error for others. */
const PASSES = 4;

/** Of the gradients before a ReLU, about this part is not 0. */
const OPEN = 0.5;

/** About the number of products of the backward passes for one image: only where a ReLU is open and a pool passes. */
function backwardProducts(layers: readonly Layer[]): number {
  const products = layers.map((layer, i) => {
    if (layer.op === 'depthwiseConv2d') return layer.macs;
    const next = layers.at(i + 1);
    if (layer.op !== 'conv2d' || next === undefined) return 0;
    const passed = next.output[1] * next.output[2];
    return (layer.macs * OPEN * passed) / (layer.output[1] * layer.output[2]);
  });
  return LANES * products.reduce((a, b) => a + b, 0);
}

const macsOf = (layers: readonly Layer[]): number => layers.reduce((sum, { macs }) => sum + macs, 0);

/** Runs a phase of a computation, of about `total` products. */
function* phase<T>(steps: Steps<T>, total: number): Steps<T> {
  let done = 0;
  for (;;) {
    const { value, done: isDone } = steps.next();
    if (isDone === true) {
      yield Math.max(0, total - done);
      return value;
    }
    const part = Math.min(value, total - done);
    done += part;
    yield part;
  }
}

/** max |v| */
const largest = (values: Float64Array): number => values.reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/**
 * Fuses a train form with λ = 1, in steps.
 *
 * @param config of the train form
 * @throws FusionError if a tensor is absent, not finite or of another shape
 * @throws ShapeError if the probe is too small for the network
 */
export function* fuseInSteps(
  kernels: Float64Kernels,
  config: ModelConfig,
  state: StateDict,
  probe: FeatureMap,
): Generator<FusionProgress, Fusion> {
  const [n, , h, w] = probe.shape;
  const deep = planNetwork(config, [h, w]);
  const shallow = planNetwork({ ...config, form: 'deploy' }, [h, w]);
  checkTrainState(state, config);

  const costs = [
    composeProducts(config),
    n * macsOf(deep),
    n * (PASSES * macsOf(shallow) + backwardProducts(shallow)),
  ] as const;
  const total = costs.reduce((a, b) => a + b, 0);
  let done = 0;
  function* report<T>(steps: Steps<T>, cost: number): Generator<FusionProgress, T> {
    const shown = phase(steps, cost);
    for (;;) {
      const next = shown.next();
      if (next.done === true) return next.value;
      done += next.value;
      yield { done, total };
    }
  }

  const { fused, maxScale } = yield* report(composeState(kernels, config, state), costs[0]);
  const unfused = yield* report(runNetwork(kernels, deep, state, probe), costs[1]);
  const boundedLogits = Math.min(LANES, config.num_classes);
  const { logits, bound, bounds, firstOrder } = yield* report(
    boundLogits(kernels, shallow, fused, probe, boundedLogits),
    costs[2],
  );
  return {
    state: fused,
    logits: unfused,
    bounds,
    firstOrder,
    report: {
      maxDifference: largest(logits.map((v, i) => v - unfused[i])),
      maxLogit: largest(unfused),
      float32Bound: bound,
      float32FirstOrder: firstOrder.reduce((most, v) => (v > most ? v : most), 0),
      boundedLogits,
      maxScale,
    },
  };
}

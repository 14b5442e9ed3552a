/** Compares the logits of two states of one network, such as those of a file before and after a conversion. */
import { resolveConfig, type ModelConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { leastSide, planNetwork } from '../core/network.js';
import { isCounter } from '../core/parameters.js';
import type { FloatArray, StateDict } from '../core/tensor.js';
import { Model } from '../model/model.js';
import { LANES } from '../wasm/float64/descriptors.js';
import { openFloat64, type Float64Kernels } from '../wasm/float64/kernels.js';
import { referenceBackend } from './backend.js';
import { boundLogits, type Bounds } from './fast/bound.js';
import { changedWeights, changeOf } from './fast/change.js';
import { composeState } from './fast/compose.js';
import { runNetwork } from './fast/forward.js';
import type { Steps } from './fast/multiply.js';
import { drawProbe } from './fuse.js';

/** Random images that are compared on, and their side, if it is enough: bounds of larger ones take minutes at full width. */
const IMAGES = 2;
const SIDE = 32;

/** How the difference of logits is limited. */
export type Tolerance =
  /** No value changed: the logits are the same. */
  | 'equal'
  /** By a certain bound. */
  | 'bound'
  /** By the bound to first order, where the certain one is larger than the logits and says nothing. */
  | 'first order'
  /** Not at all: λ is below 1, or the runtime has no WebAssembly. */
  | 'none';

/** A comparison of logits with those of the first state in float64. */
export interface Comparison {
  /** The largest |difference|. */
  readonly maxDifference: number;
  readonly tolerance: Tolerance;
  /** The largest limit of a logit; null without one. */
  readonly bound: number | null;
  /** Whether every limited logit is within its limit. */
  readonly holds: boolean;
}

export interface StateComparison extends Comparison {
  /** The largest |logit|. */
  readonly maxLogit: number;
  /** The number of values that changed. */
  readonly changed: number;
  /** The images, and the logits of the first state, in float64. */
  readonly probe: { readonly data: FloatArray; readonly shape: readonly number[] };
  readonly logits: FloatArray;
}

/** Rounding errors of two runs in float64, of the largest logit: both sum in the same order, but other values. */
const FLOAT64_NOISE = 1e-10;

/** The largest |v|; NaN if there is one. */
const largest = (values: FloatArray): number => {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
};

function run<T>(steps: Steps<T>): T {
  for (;;) {
    const { value, done } = steps.next();
    if (done === true) return value;
  }
}

/** Values that differ; zeros of both signs, and NaN of any bits, are the same. */
function countChanges(a: StateDict, b: StateDict): number {
  let count = 0;
  for (const [name, { data }] of a) {
    // PaddlePaddle has no counters, and nothing is computed from them.
    if (isCounter(name)) continue;
    const other = b.get(name)?.data ?? [];
    for (let i = 0; i < data.length; i++) if (!Object.is(data[i] + 0, other[i] + 0)) count++;
  }
  return count;
}

/** The limit of each logit: NaN without one. */
function limitsOf({ bound, bounds, firstOrder }: Bounds, maxLogit: number) {
  const isBound = bound < maxLogit;
  return { tolerance: isBound ? ('bound' as const) : ('first order' as const), limits: isBound ? bounds : firstOrder };
}

function judge(got: ArrayLike<number>, want: FloatArray, limits: Float64Array, tolerance: Tolerance): Comparison {
  const differences = Float64Array.from(want, (value, i) => Math.abs(value - got[i]));
  // Written so that a difference of NaN fails.
  const holds = differences.every((off, i) => Number.isNaN(limits[i]) || off <= limits[i]);
  const bound = limits.reduce((most, limit) => (limit > most ? limit : most), 0);
  return { maxDifference: largest(differences), tolerance, bound: tolerance === 'none' ? null : bound, holds };
}

/** The logits of a state, in float64. */
async function logitsOf(
  kernels: Float64Kernels | null,
  state: StateDict,
  config: ModelConfig,
  probe: ReturnType<typeof drawProbe>,
): Promise<FloatArray> {
  const [n, , h, w] = probe.shape;
  if (kernels !== null && config.lambda === 1)
    return run(runNetwork(kernels, planNetwork(config, [h, w]), state, probe));
  const model = await Model.open(state, { ...config, input_size: [h, w] }, referenceBackend);
  return model.forward(probe.data, n);
}

/** The deploy form of a state. */
const fused = (kernels: Float64Kernels, state: StateDict, config: ModelConfig): StateDict =>
  config.form === 'deploy' ? state : run(composeState(kernels, config, state)).fused;

/** Bounds on what the changes of the weights do; by the fused network for the train form. */
function boundChange(
  kernels: Float64Kernels,
  [before, after]: readonly [StateDict, StateDict],
  config: ModelConfig,
  probe: ReturnType<typeof drawProbe>,
): Bounds {
  const [, , h, w] = probe.shape;
  const layers = planNetwork({ ...config, form: 'deploy' }, [h, w]);
  const [a, b] = [fused(kernels, before, config), fused(kernels, after, config)];
  const most = Math.min(LANES, config.num_classes);
  return run(boundLogits(kernels, layers, a, probe, most, changedWeights(changeOf(a, b))));
}

/**
 * Compares the logits of two states in float64, on small random images. If values changed, as by a conversion to float16, the
 * difference is bounded by those changes: for the largest 16 logits of each image, with λ = 1.
 *
 * @param before checked, as `after`: all tensors of the network
 * @param config of both; λ that is not known is taken to be 1, as in the official evaluation
 */
export async function compareStates(
  before: StateDict,
  after: StateDict,
  config: ModelConfig,
): Promise<StateComparison> {
  const { lambda } = config;
  const resolved = resolveConfig({ ...config, lambda: lambda ?? 1 });
  const [height, width] = resolved.input_size.map((side) => Math.min(side, Math.max(SIDE, leastSide(resolved))));
  const probe = drawProbe([IMAGES, resolved.in_chans, height, width]);
  const kernels = openFloat64();
  const logits = await logitsOf(kernels, before, resolved, probe);
  const got = await logitsOf(kernels, after, resolved, probe);
  const changed = countChanges(before, after);
  const maxLogit = largest(logits);
  const compare = (): Comparison => {
    if (changed === 0) return judge(got, logits, new Float64Array(logits.length), 'equal');
    if (kernels === null || resolved.lambda !== 1)
      return judge(got, logits, new Float64Array(logits.length).fill(NaN), 'none');
    const { limits, tolerance } = limitsOf(boundChange(kernels, [before, after], resolved, probe), maxLogit);
    return judge(
      got,
      logits,
      limits.map((limit) => limit + FLOAT64_NOISE * maxLogit),
      tolerance,
    );
  };
  return { ...compare(), maxLogit, changed, probe, logits };
}

/**
 * Compares the logits of another engine, in float32, with those of a comparison: within the bound of float32 beside that of
 * the changes.
 *
 * @param after the state that the engine ran, of the deploy form
 * @throws ParamError for the train form
 */
export function compareFloat32(
  { probe, logits, maxLogit, bound }: StateComparison,
  after: StateDict,
  config: ModelConfig,
  got: ArrayLike<number>,
): Comparison {
  if (config.form !== 'deploy') {
    throw new ParamError({ op: 'compareFloat32', expected: 'the deploy form', got: 'the train form' });
  }
  const kernels = openFloat64();
  const [n, c, h, w] = probe.shape;
  if (kernels === null || bound === null) return judge(got, logits, new Float64Array(logits.length).fill(NaN), 'none');
  const most = Math.min(LANES, config.num_classes);
  const map = { data: Float64Array.from(probe.data), shape: [n, c, h, w] as const };
  const rounding = run(boundLogits(kernels, planNetwork(config, [h, w]), after, map, most));
  const { limits, tolerance } = limitsOf(rounding, maxLogit);
  return judge(
    got,
    logits,
    limits.map((limit) => limit + bound),
    tolerance,
  );
}

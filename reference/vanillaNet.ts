import { activation, block } from './block.js';
import { checkConfig, type Config } from './config.js';
import {
  batchNormLayer,
  convLayer,
  dropoutLayer,
  globalAvgPoolLayer,
  leakyLayer,
  type Layer,
  type Mode,
  type State,
  type Trace,
} from './layers.js';
import {
  requireBoolean,
  requireInteger,
  requireNames,
  requireOneOf,
  requireOptions,
  requireRange,
  requireShape,
  requireState,
} from './require.js';
import { tensor, valuesOf, type Tensor } from './tensor.js';

function stem(config: Config): Layer[] {
  const adaptive = config.ada_pool !== null && !config.article_stem;
  const window = adaptive ? { stride: 3, padding: 1 } : { stride: 4, padding: 0 };
  if (config.form === 'deploy') return [convLayer('stem.0', window), ...activation('stem.1', config)];
  return [
    convLayer('stem1.0', window),
    batchNormLayer('stem1.1'),
    leakyLayer('stem1.leaky'),
    convLayer('stem2.0'),
    batchNormLayer('stem2.1'),
    ...activation('stem2.2', config),
  ];
}

function head({ form, drop_rate }: Config): Layer[] {
  if (form === 'deploy') return [globalAvgPoolLayer('cls.0'), dropoutLayer('cls.1', drop_rate), convLayer('cls.2')];
  return [
    globalAvgPoolLayer('cls1.0'),
    dropoutLayer('cls1.1', drop_rate),
    convLayer('cls1.2'),
    batchNormLayer('cls1.3'),
    leakyLayer('cls1.leaky'),
    convLayer('cls2.0'),
  ];
}

/**
 * The network from stem to logits (arXiv 2305.12972): a list of layers without branches.
 *
 *     train form:   4x4 conv, BN, leaky, 1x1 conv, BN, activation; blocks; pool, 1x1 conv, BN, leaky, 1x1 conv
 *     deploy form:  4x4 conv,                          activation; blocks; pool, 1x1 conv
 */
export function vanillaNet(config: Config): Layer[] {
  checkConfig(config);
  return [...stem(config), ...config.strides.flatMap((_, i) => block(config, i)), ...head(config)];
}

/** One layer's part of a forward pass. */
export interface Step {
  readonly layer: Layer;
  /** The layer's input. */
  readonly x: Tensor;
  readonly trace: Trace;
}

export interface ForwardResult {
  /** [n, num_classes] */
  readonly logits: Tensor;
  /** Running statistics after this batch by name; empty in evaluation. */
  readonly buffers: ReadonlyMap<string, Tensor>;
  /** Every layer with its input and output, from first to last. */
  readonly steps: readonly Step[];
  /** Maps dlogits [n, num_classes] to the gradients of the input and of every parameter, by name. */
  readonly backward: (dlogits: Tensor) => { dx: Tensor; grads: Map<string, Tensor> };
}

function checkMode(mode: Mode): void {
  const {
    training,
    lambda,
    runningVar = 'unbiased',
    seed = 0,
    step = 0,
    frozen,
  } = requireOptions('vanillaNet', 'mode', mode, ['training', 'lambda', 'runningVar', 'frozen', 'seed', 'step']);
  requireBoolean('vanillaNet', 'training', training);
  if (lambda !== undefined) requireRange('vanillaNet', 'lambda', lambda, 0, 1);
  requireOneOf('vanillaNet', 'runningVar', runningVar, ['unbiased', 'biased']);
  requireInteger('vanillaNet', 'seed', seed, 0);
  requireInteger('vanillaNet', 'step', step, 0);
  if (frozen !== undefined) requireNames('vanillaNet', 'frozen', frozen);
}

/**
 * Runs the network on a batch.
 *
 * @param state parameters and running statistics by name
 * @param x [n, in_chans, h, w]; h and w may be any size for which no map is empty
 * @param mode training or evaluation, and λ for the train form
 * @throws ShapeError, ParamError, WeightsError
 */
export function forward(config: Config, state: State, x: Tensor, mode: Mode): ForwardResult {
  checkConfig(config);
  requireState('vanillaNet', 'state', state);
  checkMode(mode);
  requireShape('vanillaNet', 'x', x, ['n', config.in_chans, 'h', 'w']);
  const steps: Step[] = [];
  const buffers = new Map<string, Tensor>();
  let map = x;
  for (const layer of vanillaNet(config)) {
    const trace = layer.forward(map, state, mode);
    steps.push({ layer, x: map, trace });
    for (const [name, value] of trace.buffers ?? []) buffers.set(name, value);
    map = trace.y;
  }
  const [n, classes] = map.shape;
  return {
    logits: tensor(valuesOf(map), [n, classes]),
    buffers,
    steps,
    backward(dlogits) {
      requireShape('vanillaNet backward', 'dlogits', dlogits, [n, classes]);
      const grads = new Map<string, Tensor>();
      let dy = tensor(valuesOf(dlogits), [n, classes, 1, 1]);
      for (const { trace } of [...steps].reverse()) {
        const { dx, grads: own } = trace.backward(dy);
        for (const [name, grad] of own ?? []) grads.set(name, grad);
        dy = dx;
      }
      return { dx: dy, grads };
    },
  };
}

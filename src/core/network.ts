import { checkObject, checkOneOf } from './check.js';
import { checkConfigKeys, FORMS, resolveConfig, type ModelConfig } from './config.js';
import { ShapeError } from './errors.js';
import type { AdaptiveMaxPoolParams, ConvParams, MaxPoolParams } from './ops.js';
import { convSize, type Size } from './shapes.js';
import { sizeOf } from './tensor.js';
import { unreachable } from './unreachable.js';

/** The shape of the activations of one image. */
export type MapShape = readonly [channels: number, height: number, width: number];

/** PyTorch's layout: [k,c,kh,kw], or [c,1,kh,kw] for a depthwise convolution. */
export type WeightShape = readonly [number, number, number, number];

/** Every batch norm: ε is added to the variance; running = (1 − momentum)·running + momentum·batch. */
export const BATCH_NORM = { eps: 1e-6, momentum: 0.1 } as const;

/** Height and width of the stem's kernel. */
const STEM_KERNEL = 4;

interface Convolution extends ConvParams {
  readonly weight: WeightShape;
  readonly bias: boolean;
}

/** An op with its scalars. `lambda` is null if the configuration does not contain it. */
export type Op =
  | ({ readonly op: 'conv2d' } & Convolution)
  | ({ readonly op: 'depthwiseConv2d' } & Convolution)
  | { readonly op: 'batchNorm' }
  | { readonly op: 'leakyRelu'; readonly lambda: number | null }
  | ({ readonly op: 'maxPool2d' } & MaxPoolParams)
  | ({ readonly op: 'adaptiveMaxPool2d' } & AdaptiveMaxPoolParams)
  | { readonly op: 'globalAvgPool' }
  | { readonly op: 'dropout'; readonly rate: number };

/** An op of the network and its name, without the sizes of its input and output. */
export type Part = Op & {
  /**
   * PyTorch's module name, so that `${name}.weight` is the weight. The official code has
   * no module for ReLU, leaky ReLU and some pools: these are named after the module they
   * belong to and their op, as in `stages.0.act.relu` and `stages.0.conv1.leaky`.
   */
  readonly name: string;
};

/** Consecutive parts whose last output has a name. */
export interface Module {
  /** The name in the deploy form, used for both forms: `stem`, `stages.<i>`, `cls.0` (pooled features), `cls.2` (logits). */
  readonly name: string;
  readonly parts: readonly Part[];
}

const conv = (name: string, c: number, k: number): Part => ({
  name,
  op: 'conv2d',
  weight: [k, c, 1, 1],
  bias: true,
  stride: 1,
  padding: 0,
});

const batchNorm = (name: string): Part => ({ name, op: 'batchNorm' });

/** Stride 4 without padding, or stride 3 with padding 1 if pooling is adaptive. */
function stemConv(name: string, { dims, in_chans, ada_pool, article_stem }: ModelConfig): Part {
  const window = ada_pool !== null && !article_stem ? { stride: 3, padding: 1 } : { stride: 4, padding: 0 };
  return { name, op: 'conv2d', weight: [dims[0], in_chans, STEM_KERNEL, STEM_KERNEL], bias: true, ...window };
}

/** ReLU, then a (2n+1)x(2n+1) depthwise convolution; the train form replaces its bias by a batch norm. */
function activation(name: string, channels: number, { act_num, form }: ModelConfig): Part[] {
  const bias = form === 'deploy';
  const kernel = 2 * act_num + 1;
  return [
    { name: `${name}.relu`, op: 'leakyRelu', lambda: 0 },
    { name, op: 'depthwiseConv2d', weight: [channels, 1, kernel, kernel], bias, stride: 1, padding: act_num },
    ...(bias ? [] : [batchNorm(`${name}.bn`)]),
  ];
}

/** The pool of stage i: none for stride 1, a fixed output size if `ada_pool` has one, else kernel = stride. */
function pool(name: string, { strides, ada_pool }: ModelConfig, i: number): Part[] {
  const stride = strides[i];
  const size = ada_pool?.[i] ?? 0;
  if (stride === 1) return [];
  if (size === 0) return [{ name, op: 'maxPool2d', kernel_size: stride, stride }];
  return [{ name, op: 'adaptiveMaxPool2d', output_size: [size, size] }];
}

function stemParts(config: ModelConfig): Part[] {
  const { dims, form, lambda } = config;
  if (form === 'deploy') return [stemConv('stem.0', config), ...activation('stem.1', dims[0], config)];
  return [
    stemConv('stem1.0', config),
    batchNorm('stem1.1'),
    { name: 'stem1.leaky', op: 'leakyRelu', lambda },
    conv('stem2.0', dims[0], dims[0]),
    batchNorm('stem2.1'),
    ...activation('stem2.2', dims[0], config),
  ];
}

function stageParts(config: ModelConfig, i: number): Part[] {
  const { dims, form, lambda } = config;
  const stage = `stages.${i}`;
  const [c, k] = [dims[i], dims[i + 1]];
  const convolutions: Part[] =
    form === 'deploy'
      ? [conv(`${stage}.conv`, c, k)]
      : [
          conv(`${stage}.conv1.0`, c, c),
          batchNorm(`${stage}.conv1.1`),
          { name: `${stage}.conv1.leaky`, op: 'leakyRelu', lambda },
          conv(`${stage}.conv2.0`, c, k),
          batchNorm(`${stage}.conv2.1`),
        ];
  return [...convolutions, ...pool(`${stage}.pool`, config, i), ...activation(`${stage}.act`, k, config)];
}

function classifierParts({ dims, num_classes, drop_rate, form, lambda }: ModelConfig): Part[] {
  const features = dims[dims.length - 1];
  if (form === 'deploy')
    return [{ name: 'cls.1', op: 'dropout', rate: drop_rate }, conv('cls.2', features, num_classes)];
  return [
    { name: 'cls1.1', op: 'dropout', rate: drop_rate },
    conv('cls1.2', features, num_classes),
    batchNorm('cls1.3'),
    { name: 'cls1.leaky', op: 'leakyRelu', lambda },
    conv('cls2.0', num_classes, num_classes),
  ];
}

/**
 * The network without sizes: its modules in the order in which they run. Plans, parameters and module names
 * are all read from here.
 */
export function chain(config: ModelConfig): Module[] {
  const globalPool = config.form === 'deploy' ? 'cls.0' : 'cls1.0';
  return [
    { name: 'stem', parts: stemParts(config) },
    ...config.strides.map((_, i) => ({ name: `stages.${i}`, parts: stageParts(config, i) })),
    { name: 'cls.0', parts: [{ name: globalPool, op: 'globalAvgPool' }] },
    { name: 'cls.2', parts: classifierParts(config) },
  ];
}

/** The modules of `chain`: `stem`, `stages.0`, …, `cls.0`, `cls.2`. */
export const moduleNames = (config: ModelConfig): string[] => chain(config).map(({ name }) => name);

/** The modules in front of the classifier: `stem`, `stages.0`, …, `cls.0`. */
export const featureNames = (config: ModelConfig): string[] => moduleNames(config).slice(0, -1);

/** The module of every part, by the part's name. */
export const modulesByPart = (config: ModelConfig): ReadonlyMap<string, string> =>
  new Map(chain(config).flatMap((module) => module.parts.map((part) => [part.name, module.name])));

/** A part of the network for an input of a known size. */
export type Layer = Part & {
  readonly input: MapShape;
  readonly output: MapShape;
  /** Learned numbers; running statistics are not counted. */
  readonly parameters: number;
  /** Multiply-adds of the convolutions for one image; biases, norms and pools are not counted. */
  readonly macs: number;
};

export type LayerOf<Name extends Op['op']> = Layer & { readonly op: Name };

/** The layers of a module. */
export interface PlannedModule {
  readonly name: string;
  readonly layers: readonly Layer[];
}

const isConvolution = (part: Op): part is Op & Convolution => part.op === 'conv2d' || part.op === 'depthwiseConv2d';

function outputOf(part: Part, [c, h, w]: MapShape): MapShape {
  switch (part.op) {
    case 'conv2d':
    case 'depthwiseConv2d': {
      const [k, , kh, kw] = part.weight;
      return [k, convSize(h, kh, part.stride, part.padding), convSize(w, kw, part.stride, part.padding)];
    }
    case 'maxPool2d':
      return [c, convSize(h, part.kernel_size, part.stride, 0), convSize(w, part.kernel_size, part.stride, 0)];
    case 'adaptiveMaxPool2d':
      return [c, ...part.output_size];
    case 'globalAvgPool':
      return [c, 1, 1];
    case 'batchNorm':
    case 'leakyRelu':
    case 'dropout':
      return [c, h, w];
    default:
      return unreachable(part);
  }
}

/** The least side of the input of a part whose output has a side. */
function inputSide(part: Part, side: number): number {
  switch (part.op) {
    case 'conv2d':
    case 'depthwiseConv2d':
      return Math.max(1, (side - 1) * part.stride + part.weight[2] - 2 * part.padding);
    case 'maxPool2d':
      return (side - 1) * part.stride + part.kernel_size;
    case 'adaptiveMaxPool2d':
    case 'globalAvgPool':
      return 1;
    default:
      return side;
  }
}

/** The least side of an input that leaves a map of at least 1x1 to each module. */
export const leastSide = (config: ModelConfig): number =>
  chain(config)
    .flatMap(({ parts }) => parts)
    .reduceRight((side, part) => inputSide(part, side), 1);

function parametersOf(part: Part, channels: number): number {
  switch (part.op) {
    case 'conv2d':
    case 'depthwiseConv2d':
      return sizeOf(part.weight) + (part.bias ? part.weight[0] : 0);
    case 'batchNorm':
      return 2 * channels;
    case 'leakyRelu':
    case 'maxPool2d':
    case 'adaptiveMaxPool2d':
    case 'globalAvgPool':
    case 'dropout':
      return 0;
    default:
      return unreachable(part);
  }
}

function layerOf(part: Part, input: MapShape): Layer {
  const output = outputOf(part, input);
  const macs = isConvolution(part) ? sizeOf(part.weight) * output[1] * output[2] : 0;
  return { ...part, input, output, parameters: parametersOf(part, input[0]), macs };
}

/**
 * The modules of `chain` for an input of h x w.
 *
 * @throws ShapeError if the input is so small that a stage has an empty output.
 */
export function planModules(config: ModelConfig, [h, w]: Size): PlannedModule[] {
  let map: MapShape = [config.in_chans, h, w];
  return chain(config).map(({ name, parts }) => {
    const layers = parts.map((part) => {
      const layer = layerOf(part, map);
      map = layer.output;
      return layer;
    });
    if (map[1] < 1 || map[2] < 1) {
      const least = leastSide(config);
      throw new ShapeError({
        op: name,
        expected: `an input of at least ${least}x${least}`,
        got: `${h}x${w}, which leaves ${map[1]}x${map[2]}`,
      });
    }
    return { name, layers };
  });
}

/** Checks the keys of a configuration that determine the network, for callers without types. @throws ParamError */
export function checkNetwork(config: ModelConfig, size?: Size): ModelConfig {
  checkConfigKeys(config);
  const { dims, strides, ada_pool, article_stem, in_chans, num_classes, act_num, drop_rate, form } = config;
  return resolveConfig({
    ...{ dims, strides, ada_pool, article_stem, in_chans, num_classes, act_num, drop_rate, form },
    ...(size === undefined ? {} : { input_size: size }),
  });
}

/** Checks the network, the input size and the form of a configuration, for callers without types. @throws ParamError */
export function checkModelConfig(config: ModelConfig): void {
  // Without a size or form, `checkNetwork` would take the default.
  const { input_size = null, form = null } = checkObject('config', config) as Partial<
    Record<keyof ModelConfig, unknown>
  >;
  checkOneOf('config.form', form, FORMS);
  checkNetwork(config, input_size as Size);
}

/**
 * The layers of the network in the order in which they run, for an input of h x w.
 *
 * @throws ShapeError as `planModules`
 */
export function planNetwork(config: ModelConfig, size: Size): Layer[] {
  const { input_size } = checkNetwork(config, size);
  return planModules(config, input_size).flatMap(({ layers }) => layers);
}

/** @throws ShapeError if `config.input_size` is too small for the network. */
export function checkInputSize(config: ModelConfig): void {
  planModules(config, config.input_size);
}

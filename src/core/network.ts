import type { ModelConfig } from './config.js';
import type { AdaptiveMaxPoolParams, ConvParams, MaxPoolParams } from './ops.js';
import { mapSizes, poolOf, stemOf, type Size } from './shapes.js';
import { sizeOf } from './tensor.js';

/** One image's map. */
export type MapShape = readonly [channels: number, height: number, width: number];

/** PyTorch's layout: [k,c,kh,kw], or [c,1,kh,kw] for one kernel a channel. */
export type WeightShape = readonly [number, number, number, number];

interface Convolution extends ConvParams {
  readonly weight: WeightShape;
  readonly bias: boolean;
}

/** An op with its scalars. `lambda` is null where the configuration does not know it. */
export type Op =
  | ({ readonly op: 'conv2d' } & Convolution)
  | ({ readonly op: 'depthwiseConv2d' } & Convolution)
  | { readonly op: 'batchNorm' }
  | { readonly op: 'leakyRelu'; readonly lambda: number | null }
  | ({ readonly op: 'maxPool2d' } & MaxPoolParams)
  | ({ readonly op: 'adaptiveMaxPool2d' } & AdaptiveMaxPoolParams)
  | { readonly op: 'globalAvgPool' }
  | { readonly op: 'dropout'; readonly rate: number };

/** One link of the chain. */
export type Layer = Op & {
  /**
   * PyTorch's module name, so that `${name}.weight` is the layer's weight. What
   * the official code does without a module of its own has the name of where it
   * happens and what it is: `stages.0.act.relu`, `stages.0.conv1.leaky`.
   */
  readonly name: string;
  readonly input: MapShape;
  readonly output: MapShape;
  /** Learned numbers; running statistics are none. */
  readonly parameters: number;
  /** Multiply-adds for one image, of the convolutions; biases, norms and pools are not counted. */
  readonly macs: number;
};

function parametersOf(op: Op, [channels]: MapShape): number {
  if (op.op === 'batchNorm') return 2 * channels;
  if (op.op !== 'conv2d' && op.op !== 'depthwiseConv2d') return 0;
  return sizeOf(op.weight) + (op.bias ? op.weight[0] : 0);
}

/** The chain while it is being written down. */
class Chain {
  readonly layers: Layer[] = [];
  #map: MapShape;

  constructor(input: MapShape) {
    this.#map = input;
  }

  add(name: string, op: Op, output: MapShape = this.#map): void {
    const convolves = op.op === 'conv2d' || op.op === 'depthwiseConv2d';
    this.layers.push({
      ...op,
      name,
      input: this.#map,
      output,
      parameters: parametersOf(op, this.#map),
      macs: convolves ? sizeOf(op.weight) * output[1] * output[2] : 0,
    });
    this.#map = output;
  }

  conv(name: string, k: number, kernel: number, params: ConvParams, [oh, ow]: Size): void {
    const weight: WeightShape = [k, this.#map[0], kernel, kernel];
    this.add(name, { op: 'conv2d', weight, bias: true, ...params }, [k, oh, ow]);
  }

  pointwise(name: string, k: number): void {
    this.conv(name, k, 1, { stride: 1, padding: 0 }, [this.#map[1], this.#map[2]]);
  }

  /** The convolution of the train form with its norm: a Sequential of two. */
  normed(name: string, k: number): void {
    this.pointwise(`${name}.0`, k);
    this.add(`${name}.1`, { op: 'batchNorm' });
  }

  /** ReLU, then one (2n+1)x(2n+1) kernel a channel; in the train form without bias, a norm instead. */
  activation(name: string, { act_num, form }: ModelConfig): void {
    const bias = form === 'deploy';
    const kernel = 2 * act_num + 1;
    this.add(`${name}.relu`, { op: 'leakyRelu', lambda: 0 });
    const weight: WeightShape = [this.#map[0], 1, kernel, kernel];
    this.add(name, { op: 'depthwiseConv2d', weight, bias, stride: 1, padding: act_num });
    if (!bias) this.add(`${name}.bn`, { op: 'batchNorm' });
  }

  pool(name: string, config: ModelConfig, stage: number, [oh, ow]: Size): void {
    const pool = poolOf(config, stage);
    const output: MapShape = [this.#map[0], oh, ow];
    if (pool.kind === 'max') {
      this.add(name, { op: 'maxPool2d', kernel_size: pool.stride, stride: pool.stride }, output);
    } else if (pool.kind === 'adaptive') {
      this.add(name, { op: 'adaptiveMaxPool2d', output_size: [oh, ow] }, output);
    }
  }
}

/**
 * The network as data: its layers in the order they run, for an input of h x w.
 * The same list is the summary that people read.
 *
 * @throws ShapeError where the input is too small for the network.
 */
export function planNetwork(config: ModelConfig, [h, w]: Size): Layer[] {
  const { dims, in_chans, num_classes, drop_rate, lambda, form } = config;
  const sizes = mapSizes(config, [h, w]);
  const deploy = form === 'deploy';
  const chain = new Chain([in_chans, h, w]);

  if (deploy) {
    chain.conv('stem.0', dims[0], 4, stemOf(config), sizes[0]);
    chain.activation('stem.1', config);
  } else {
    chain.conv('stem1.0', dims[0], 4, stemOf(config), sizes[0]);
    chain.add('stem1.1', { op: 'batchNorm' });
    chain.add('stem1.leaky', { op: 'leakyRelu', lambda });
    chain.normed('stem2', dims[0]);
    chain.activation('stem2.2', config);
  }

  config.strides.forEach((_, i) => {
    const stage = `stages.${i}`;
    if (deploy) {
      chain.pointwise(`${stage}.conv`, dims[i + 1]);
    } else {
      chain.normed(`${stage}.conv1`, dims[i]);
      chain.add(`${stage}.conv1.leaky`, { op: 'leakyRelu', lambda });
      chain.normed(`${stage}.conv2`, dims[i + 1]);
    }
    chain.pool(`${stage}.pool`, config, i, sizes[i + 1]);
    chain.activation(`${stage}.act`, config);
  });

  const head = deploy ? 'cls' : 'cls1';
  chain.add(`${head}.0`, { op: 'globalAvgPool' }, [dims[dims.length - 1], 1, 1]);
  chain.add(`${head}.1`, { op: 'dropout', rate: drop_rate });
  chain.pointwise(`${head}.2`, num_classes);
  if (!deploy) {
    chain.add('cls1.3', { op: 'batchNorm' });
    chain.add('cls1.leaky', { op: 'leakyRelu', lambda });
    chain.pointwise('cls2.0', num_classes);
  }
  return chain.layers;
}

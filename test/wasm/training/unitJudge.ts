/** The expected results of every unit of a network in training, by the unit's name, for any engine: see judge.ts. */
import { dropoutMask, valuesOf } from '../../../reference/index.js';
import type { ModelConfig } from '../../../src/core/config.js';
import { planNetwork, type Layer } from '../../../src/core/network.js';
import type { Tensor } from '../../../src/core/tensor.js';
import * as judge from './judge.js';

/** The parameters of a pass that all units share. */
export interface PassParameters {
  readonly lambda: number;
  /** Seed of the dropout masks. */
  readonly seed: number;
  readonly stream: number;
  /** A parameter or running statistic, before the pass. */
  readonly tensor: (name: string) => Tensor;
}

export class UnitJudge {
  readonly #layers: ReadonlyMap<string, Layer>;

  constructor(
    readonly config: ModelConfig,
    readonly pass: PassParameters,
  ) {
    this.#layers = new Map(planNetwork(config, config.input_size).map((layer) => [layer.name, layer]));
  }

  layer(name: string): Layer {
    const layer = this.#layers.get(name);
    if (layer === undefined) throw new Error(`no layer ${name}`);
    return layer;
  }

  /** `y`, and the new running statistics of a norm. */
  forward(name: string, x: Tensor): judge.Verdicts {
    const layer = this.layer(name);
    if (layer.op === 'batchNorm') return judge.norm(this.#norm(name, x));
    if (isConvolution(layer)) return new Map([['y', judge.convolution(this.#convolution(layer, x))]]);
    const isAverage = layer.op === 'globalAvgPool';
    return new Map([['y', isAverage ? judge.average(x, this.#mask(x)) : judge.poolRelu(this.#pool(name), x)]]);
  }

  /** `dx`, and gradients of the parameters. @param y the unit's output */
  backward(name: string, x: Tensor, y: Tensor, dy: Tensor): judge.Verdicts {
    const layer = this.layer(name);
    if (layer.op === 'batchNorm') return judge.normBackward(this.#norm(name, x), y, dy);
    if (isConvolution(layer)) return judge.convolutionBackward(this.#convolution(layer, x), dy);
    const isAverage = layer.op === 'globalAvgPool';
    const dx = isAverage
      ? judge.averageBackward(x, this.#mask(x), dy)
      : judge.poolReluBackward(this.#pool(name), x, dy);
    return new Map([['dx', dx]]);
  }

  #norm(name: string, x: Tensor): judge.Norm {
    const { tensor, lambda } = this.pass;
    const parameters = {
      weight: tensor(`${name}.weight`),
      bias: tensor(`${name}.bias`),
      running_mean: tensor(`${name}.running_mean`),
      running_var: tensor(`${name}.running_var`),
    };
    const isActive = /\.\d+$/.test(name) && this.#layers.has(name.replace(/\d+$/, 'leaky'));
    return { x, parameters, lambda: isActive ? lambda : 1 };
  }

  #convolution(layer: judge.Convolution['layer'], x: Tensor): judge.Convolution {
    const { tensor } = this.pass;
    const bias = layer.bias ? tensor(`${layer.name}.bias`) : null;
    return { layer, x, weight: tensor(`${layer.name}.weight`), bias };
  }

  /** The pool before the ReLU of a unit; null if it has none. */
  #pool(name: string): Layer | null {
    return name.endsWith('.act.relu') ? (this.#layers.get(name.replace('.act.relu', '.pool')) ?? null) : null;
  }

  #mask(x: Tensor): Tensor {
    const { drop_rate: rate } = this.config;
    const shape = [x.shape[0], x.shape[1], 1, 1];
    const mask = valuesOf(dropoutMask(shape, rate, this.pass.seed, this.pass.stream));
    return { data: mask.map((v) => v / (1 - rate)), shape };
  }
}

const isConvolution = (layer: Layer): layer is judge.Convolution['layer'] =>
  layer.op === 'conv2d' || layer.op === 'depthwiseConv2d';

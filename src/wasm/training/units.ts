/** The units of a network in training: the regions that each adds to the forward pass, to eval, and to the backward pass. */
import { BATCH_NORM as STATISTICS, type Layer, type LayerOf, type MapShape } from '../../core/network.js';
import { sizeOf } from '../../core/tensor.js';
import { varianceCorrection } from '../../core/trainingRules.js';
import type { Builder } from './builder.js';
import type { Descriptor } from '../descriptor.js';
import { BATCH_NORM, CONV2D, DEPTHWISE_CONV2D, DROPOUT, GLOBAL_AVG_POOL, MAX_POOL2D, WINDOWS } from './descriptors.js';
import type { Planes } from './planes.js';

export interface Unit {
  /** PyTorch's name of the module. */
  readonly name: string;
  readonly x: Planes;
  readonly y: Planes;
  /** Adds the forward pass in training mode. */
  forward(): void;
  /** Adds the forward pass in eval mode. */
  evaluate(): void;
  /** Adds the backward pass. @param dy address of the gradient of y @returns the address of the gradient of x */
  backward(dy: number): number;
}

/** The shape of the stem's windows: a channel for each number of its 4x4 kernel. */
export const stemWindowsShape = ({ weight, output }: LayerOf<'conv2d'>): MapShape => [
  sizeOf(weight) / weight[0],
  output[1],
  output[2],
];

/** Which neighbors of a convolution are batch norms. These write x or dy as panels too, so that it need not pack them. */
export interface ConvLinks {
  readonly normBefore: boolean;
  readonly normAfter: boolean;
}

/** A 1x1 convolution; if `before` is null, the stem, over windows of the images. */
export function conv2d(b: Builder, layer: LayerOf<'conv2d'>, before: Planes | null, links: ConvLinks): Unit {
  const x = before ?? b.planes(stemWindowsShape(layer));
  const y = b.planes(layer.output);
  const pixels = b.n * y.h * y.w;
  const [weight, bias] = [b.tensor(`${layer.name}.weight`), b.tensor(`${layer.name}.bias`)];
  const { transposed, panels, images } = b.shared;
  const [c, h, w] = layer.input;
  const { stride, padding } = layer;
  const isTrained = b.isTrained(layer.name);
  const windows =
    before === null
      ? b.place(WINDOWS, { y: x.block, x: images, n: b.n, c, h, w, oh: y.h, ow: y.w, stride, padding })
      : null;
  const op = b.place(CONV2D, {
    x: x.block,
    y: y.block,
    weight: weight.block,
    bias: bias.block,
    dw: weight.grad,
    db: bias.grad,
    transposed,
    panels,
    pixels,
    c: x.channels,
    k: y.channels,
  });
  const forward = (): void => {
    if (windows !== null) b.run('windows', windows, b.n);
    if (!links.normBefore) b.run('packX', op, x.channels / 4);
    b.run('multiplyX', op, y.channels / 8);
  };
  return {
    name: layer.name,
    x,
    y,
    forward,
    evaluate: forward,
    backward(dy) {
      const dx = b.otherSide(dy);
      b.write(op, { dx, dy });
      if (isTrained) b.run('multiplyXDy', op, y.channels / 8);
      // The gradient of the images is not needed.
      if (windows !== null) return dx;
      if (!links.normAfter) b.run('packDy', op, y.channels / 4);
      b.run('transposeWeight', op, x.channels / 4);
      b.run('multiplyDy', op, x.channels / 8);
      return dx;
    },
  };
}

/** The neighbors of a batch norm: the activation of deep training after it, and 1x1 convolutions on either side. */
export interface NormLinks {
  readonly leaky: boolean;
  readonly convBefore: boolean;
  readonly convAfter: boolean;
}

/** A batch norm, with the activation of deep training that follows it, if any. */
export function batchNorm(b: Builder, layer: LayerOf<'batchNorm'>, x: Planes, links: NormLinks): Unit {
  const y = b.planes(layer.output);
  const pixels = b.n * y.h * y.w;
  const [weight, bias] = [b.tensor(`${layer.name}.weight`), b.tensor(`${layer.name}.bias`)];
  const keepsStatistics = b.keepsStatistics(layer.name);
  // Gradients of γ and β that nothing reads: they are computed with dx.
  const unused = b.isTrained(layer.name) ? 0 : b.arena.reserveFloats(y.channels);
  const op = b.place(BATCH_NORM, {
    x: x.block,
    y: y.block,
    weight: weight.block,
    bias: bias.block,
    dw: weight.grad === 0 ? unused : weight.grad,
    db: bias.grad === 0 ? unused : bias.grad,
    runningMean: b.tensor(`${layer.name}.running_mean`).block,
    runningVar: b.tensor(`${layer.name}.running_var`).block,
    mean: b.arena.reserveFloats(y.channels),
    invStd: b.arena.reserveFloats(y.channels),
    lambda: links.leaky ? b.shared.lambda : b.shared.one,
    panels: links.convAfter ? b.shared.panels : 0,
    dxPanels: links.convBefore ? b.shared.panels : 0,
    channels: y.channels,
    pixels,
    ...STATISTICS,
    correction: varianceCorrection(b.runningVar, pixels),
  });
  const blocks = y.channels / 4;
  return {
    name: layer.name,
    x,
    y,
    forward() {
      b.run(keepsStatistics ? 'batchNormEval' : 'batchNorm', op, blocks);
    },
    evaluate() {
      b.run('batchNormEval', op, blocks);
    },
    backward(dy) {
      b.write(op, { dy });
      b.run(keepsStatistics ? 'batchNormEvalBackward' : 'batchNormBackward', op, blocks);
      return dy;
    },
  };
}

/** The ReLU of an activation, with the pool before it, if any. */
export function maxPool2d(b: Builder, pool: Layer | null, relu: Layer, x: Planes): Unit {
  const y = b.planes(relu.output);
  // A pool with a stride is an adaptive pool of the part that its windows cover.
  const stride = pool?.op === 'maxPool2d' ? pool.stride : 0;
  const op = b.place(MAX_POOL2D, {
    x: x.block,
    y: y.block,
    n: b.n,
    h: x.h,
    w: x.w,
    rows: stride === 0 ? x.h : stride * y.h,
    columns: stride === 0 ? x.w : stride * y.w,
    oh: y.h,
    ow: y.w,
  });
  const forward = (): void => {
    b.run('maxPool', op, y.channels / 4);
  };
  return {
    name: relu.name,
    x,
    y,
    forward,
    evaluate: forward,
    backward(dy) {
      const dx = b.otherSide(dy);
      b.write(op, { dx, dy });
      b.run('maxPoolBackward', op, y.channels / 4);
      return dx;
    },
  };
}

/** A depthwise convolution with stride 1 that keeps the size of the map. */
export function depthwiseConv2d(b: Builder, layer: LayerOf<'depthwiseConv2d'>, x: Planes): Unit {
  const y = b.planes(layer.output);
  const weight = b.tensor(`${layer.name}.weight`);
  const bias = layer.bias ? b.tensor(`${layer.name}.bias`) : { block: 0, grad: 0 };
  const isTrained = b.isTrained(layer.name);
  const op = b.place(DEPTHWISE_CONV2D, {
    x: x.block,
    y: y.block,
    weight: weight.block,
    dw: weight.grad,
    bias: bias.block,
    db: bias.grad,
    images: b.n,
    h: y.h,
    w: y.w,
    n: layer.padding,
  });
  const forward = (): void => {
    b.run('depthwise', op, y.channels / 4);
  };
  return {
    name: layer.name,
    x,
    y,
    forward,
    evaluate: forward,
    backward(dy) {
      const dx = b.otherSide(dy);
      b.write(op, { dx, dy });
      if (isTrained) b.run('depthwiseWeight', op, y.channels / 4);
      b.run('depthwiseBackward', op, y.channels / 4);
      return dx;
    },
  };
}

/** The mean of each map, followed by dropout, whose descriptor is written in every step. */
export function globalAvgPool(
  b: Builder,
  layer: LayerOf<'globalAvgPool'>,
  { rate }: LayerOf<'dropout'>,
  x: Planes,
): Unit & { readonly dropout: Descriptor<keyof typeof DROPOUT> } {
  const y = b.planes(layer.output);
  const mask = b.planes(layer.output).block;
  const dropout = b.place(DROPOUT, { mask, n: b.n, channels: layer.output[0], rate });
  const op = b.place(GLOBAL_AVG_POOL, { x: x.block, y: y.block, mask, images: b.n, size: x.h * x.w });
  return {
    name: layer.name,
    x,
    y,
    dropout,
    forward() {
      b.run('dropout', dropout, b.n);
      b.run('avgPool', op, y.channels / 4);
    },
    evaluate() {
      b.run('avgPoolEval', op, y.channels / 4);
    },
    backward(dy) {
      const dx = b.otherSide(dy);
      b.write(op, { dx, dy });
      b.run('avgPoolBackward', op, y.channels / 4);
      return dx;
    },
  };
}

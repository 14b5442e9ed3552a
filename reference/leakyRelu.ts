import { requireRange, requireSameShape, requireTensor } from './require.js';
import { map, zip, type Tensor } from './tensor.js';

/**
 * The deep-training activation, a leaky ReLU whose negative slope is λ:
 *
 *     y = (1 − λ)·max(x, 0) + λ·x  =  x where x > 0, λ·x elsewhere
 *
 * λ = 0 is ReLU, and λ = 1 is the identity, which allows the fusion of two consecutive convolutions
 * (arXiv 2305.12972, eq. 1). λ has no default, because 0 is a meaningful value.
 *
 * @param x any shape
 * @param lambda λ in [0, 1]
 * @returns y, of x's shape
 * @throws ParamError
 */
export function leakyRelu(x: Tensor, lambda: number): Tensor {
  requireTensor('leakyRelu', 'x', x);
  requireRange('leakyRelu', 'lambda', lambda, 0, 1);
  return map(x, (v) => (v > 0 ? v : lambda * v));
}

/**
 * dx = dy where x > 0, λ·dy elsewhere. At x = 0 the slope is λ, as in PyTorch.
 *
 * @param x the input of forward
 */
export function leakyReluBackward(dy: Tensor, x: Tensor, lambda: number): Tensor {
  requireSameShape('leakyReluBackward', 'dy', dy, 'x', x);
  requireRange('leakyReluBackward', 'lambda', lambda, 0, 1);
  return zip(dy, x, (g, v) => (v > 0 ? g : lambda * g));
}

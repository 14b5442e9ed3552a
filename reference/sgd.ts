import { requireNonNegative, requireOptions, requireShape, requireTensor } from './require.js';
import { zip, type Tensor } from './tensor.js';

export interface SgdOptions {
  /** Learning rate. */
  readonly lr: number;
  /** Default 0. */
  readonly momentum?: number;
  /** Nesterov momentum (Sutskever et al. 2013, as in PyTorch). Default false. */
  readonly nesterov?: boolean;
  /** An L2 term added to the gradient. Default 0. */
  readonly weightDecay?: number;
}

/**
 * One step of gradient descent with momentum:
 *
 *     g ← grad + weightDecay·param        b ← momentum·b + g
 *     param ← param − lr·b        nesterov: param ← param − lr·(g + momentum·b)
 *
 * @param buffer b, of param's shape; zeros before the first step
 * @returns parameter and buffer after the step (new tensors)
 * @throws ShapeError, ParamError
 */
export function sgd(
  param: Tensor,
  grad: Tensor,
  buffer: Tensor,
  options: SgdOptions,
): { param: Tensor; buffer: Tensor } {
  const {
    lr,
    momentum = 0,
    nesterov = false,
    weightDecay = 0,
  } = requireOptions('sgd', 'options', options, ['lr', 'momentum', 'nesterov', 'weightDecay']);
  requireTensor('sgd', 'param', param);
  for (const [name, x] of Object.entries({ grad, buffer })) requireShape('sgd', name, x, param.shape);
  for (const [name, value] of Object.entries({ lr, momentum, weightDecay })) requireNonNegative('sgd', name, value);
  const g = zip(grad, param, (gradient, p) => gradient + weightDecay * p);
  const newBuffer = zip(buffer, g, (b, gradient) => momentum * b + gradient);
  const direction = nesterov ? zip(g, newBuffer, (gradient, b) => gradient + momentum * b) : newBuffer;
  return { param: zip(param, direction, (p, d) => p - lr * d), buffer: newBuffer };
}

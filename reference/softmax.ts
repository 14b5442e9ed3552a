import { requireShape } from './require.js';
import { zeros, type Tensor } from './tensor.js';

/**
 * log Σ_c exp(x[i,c]) of row i, computed as m + log Σ_c exp(x[i,c] − m) with the largest logit m, so that exp does
 * not overflow.
 */
function logSumExp(x: Tensor, row: number): number {
  const classes = x.shape[1];
  let max = -Infinity;
  for (let c = 0; c < classes; c++) max = Math.max(max, x.get(row, c));
  let sum = 0;
  for (let c = 0; c < classes; c++) sum += Math.exp(x.get(row, c) - max);
  return max + Math.log(sum);
}

/**
 *     log p[i,c] = x[i,c] − log Σ_k exp(x[i,k])
 *
 * @param x logits [n,c]
 * @returns log probabilities [n,c], in nats
 */
export function logSoftmax(x: Tensor): Tensor {
  requireShape('logSoftmax', 'x', x, ['n', 'c']);
  const [n, classes] = x.shape;
  const y = zeros(x.shape);
  for (let i = 0; i < n; i++) {
    const normalizer = logSumExp(x, i);
    for (let c = 0; c < classes; c++) y.set(i, c, x.get(i, c) - normalizer);
  }
  return y;
}

/** dx[i,c] = dy[i,c] − exp(y[i,c])·Σ_k dy[i,k], with y = logSoftmax(x). */
export function logSoftmaxBackward(dy: Tensor, y: Tensor): Tensor {
  requireShape('logSoftmaxBackward', 'y', y, ['n', 'c']);
  requireShape('logSoftmaxBackward', 'dy', dy, y.shape);
  const [n, classes] = y.shape;
  const dx = zeros(y.shape);
  for (let i = 0; i < n; i++) {
    let total = 0;
    for (let c = 0; c < classes; c++) total += dy.get(i, c);
    for (let c = 0; c < classes; c++) dx.set(i, c, dy.get(i, c) - Math.exp(y.get(i, c)) * total);
  }
  return dx;
}

/**
 *     p[i,c] = exp(x[i,c]) / Σ_k exp(x[i,k])
 *
 * @param x logits [n,c]
 * @returns probabilities [n,c]; each row sums to 1
 */
export function softmax(x: Tensor): Tensor {
  requireShape('softmax', 'x', x, ['n', 'c']);
  const [n, classes] = x.shape;
  const y = zeros(x.shape);
  for (let i = 0; i < n; i++) {
    const normalizer = logSumExp(x, i);
    for (let c = 0; c < classes; c++) y.set(i, c, Math.exp(x.get(i, c) - normalizer));
  }
  return y;
}

/** dx[i,c] = y[i,c]·(dy[i,c] − Σ_k dy[i,k]·y[i,k]), with y = softmax(x). */
export function softmaxBackward(dy: Tensor, y: Tensor): Tensor {
  requireShape('softmaxBackward', 'y', y, ['n', 'c']);
  requireShape('softmaxBackward', 'dy', dy, y.shape);
  const [n, classes] = y.shape;
  const dx = zeros(y.shape);
  for (let i = 0; i < n; i++) {
    let mean = 0;
    for (let c = 0; c < classes; c++) mean += dy.get(i, c) * y.get(i, c);
    for (let c = 0; c < classes; c++) dx.set(i, c, y.get(i, c) * (dy.get(i, c) - mean));
  }
  return dx;
}

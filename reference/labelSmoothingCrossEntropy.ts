import { ParamError, ShapeError } from './errors.js';
import { requireList, requireRange, requireShape, show } from './require.js';
import { logSoftmax } from './softmax.js';
import { zeros, type Tensor } from './tensor.js';

function check(op: string, logits: Tensor, targets: readonly number[], smoothing: number): void {
  requireShape(op, 'logits', logits, ['n', 'c']);
  requireRange(op, 'smoothing', smoothing, 0, 1, true);
  const [n, classes] = logits.shape;
  requireList(op, 'targets', targets);
  if (targets.length !== n) throw new ShapeError(op, `${n} targets, one for each row`, `${targets.length}`);
  const foreign = targets.find((t) => !Number.isInteger(t) || t < 0 || t >= classes);
  if (foreign !== undefined) throw new ParamError(op, `targets among 0 … ${classes - 1}`, show(foreign));
}

/**
 * Cross-entropy with label smoothing (Szegedy et al., arXiv 1512.00567, sec. 7): a share s of each target is spread
 * evenly over all C classes.
 *
 *     loss = mean over i of  (1 − s)·(−log p[i,t_i]) + s·mean over c of (−log p[i,c])
 *
 * in nats, averaged over the batch; p = softmax(logits).
 *
 * @param logits [n,c]
 * @param targets t, the class of each row
 * @param smoothing s in [0, 1); 0 is plain cross-entropy. Default 0.1, as in the article
 * @throws ShapeError, ParamError
 */
export function labelSmoothingCrossEntropy(logits: Tensor, targets: readonly number[], smoothing = 0.1): number {
  check('labelSmoothingCrossEntropy', logits, targets, smoothing);
  const [n, classes] = logits.shape;
  const logP = logSoftmax(logits);
  let loss = 0;
  for (let i = 0; i < n; i++) {
    loss -= (1 - smoothing) * logP.get(i, targets[i]);
    for (let c = 0; c < classes; c++) loss -= (smoothing / classes) * logP.get(i, c);
  }
  return loss / n;
}

/**
 *     dlogits[i,c] = (p[i,c] − q[i,c]) / n        q[i,c] = (1 − s)·[c = t_i] + s/C, the smoothed target
 *
 * @returns dlogits [n,c]
 */
export function labelSmoothingCrossEntropyBackward(
  logits: Tensor,
  targets: readonly number[],
  smoothing = 0.1,
): Tensor {
  check('labelSmoothingCrossEntropyBackward', logits, targets, smoothing);
  const [n, classes] = logits.shape;
  const logP = logSoftmax(logits);
  const dx = zeros(logits.shape);
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < classes; c++) {
      const q = (c === targets[i] ? 1 - smoothing : 0) + smoothing / classes;
      dx.set(i, c, (Math.exp(logP.get(i, c)) - q) / n);
    }
  }
  return dx;
}

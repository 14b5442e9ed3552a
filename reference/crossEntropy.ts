import { requireRange, requireShape } from './require.js';
import { logSoftmax } from './softmax.js';
import { valuesOf, zeros, zip, type Tensor } from './tensor.js';

function check(op: string, logits: Tensor, targets: Tensor): void {
  requireShape(op, 'logits', logits, ['n', 'c']);
  requireShape(op, 'targets', targets, logits.shape);
  for (const q of valuesOf(targets)) requireRange(op, 'targets', q, 0, 1);
}

/**
 * Cross-entropy with soft targets: q[i,c] is the share of class c in image i, as label smoothing, mixup and
 * CutMix produce it.
 *
 *     loss = mean over i of  −Σ_c q[i,c]·log p[i,c]        p = softmax(logits)
 *
 * in nats, averaged over the batch.
 *
 * @param logits [n,c]
 * @param targets q [n,c], in [0, 1]
 * @throws ShapeError, ParamError
 */
export function crossEntropy(logits: Tensor, targets: Tensor): number {
  check('crossEntropy', logits, targets);
  const terms = zip(targets, logSoftmax(logits), (q, logP) => -q * logP);
  return valuesOf(terms).reduce((a, b) => a + b, 0) / logits.shape[0];
}

/** dlogits[i,c] = (p[i,c]·Σ_k q[i,k] − q[i,c]) / n; the sum is 1 if the shares of an image add up to 1. */
export function crossEntropyBackward(logits: Tensor, targets: Tensor): Tensor {
  check('crossEntropyBackward', logits, targets);
  const [n, classes] = logits.shape;
  const logP = logSoftmax(logits);
  const dx = zeros(logits.shape);
  for (let i = 0; i < n; i++) {
    const total = valuesOf(targets.pick(i)).reduce((a, b) => a + b, 0);
    for (let c = 0; c < classes; c++) dx.set(i, c, (Math.exp(logP.get(i, c)) * total - targets.get(i, c)) / n);
  }
  return dx;
}

import { requireRange, requireShape } from './require.js';
import { valuesOf, zip, type Tensor } from './tensor.js';

function check(op: string, logits: Tensor, targets: Tensor): void {
  requireShape(op, 'logits', logits, ['n', 'c']);
  requireShape(op, 'targets', targets, logits.shape);
  for (const t of valuesOf(targets)) requireRange(op, 'targets', t, 0, 1);
}

/**
 * Binary cross-entropy of every class separately, from logits:
 *
 *     loss = mean of −t·log σ(x) − (1 − t)·log(1 − σ(x))
 *          = mean of max(x, 0) − x·t + log(1 + exp(−|x|))
 *
 * The second form cannot overflow. The loss is in nats, averaged over all n·c elements.
 *
 * @param logits x [n,c]
 * @param targets t [n,c], in [0, 1]
 * @throws ShapeError, ParamError
 */
export function bceWithLogits(logits: Tensor, targets: Tensor): number {
  check('bceWithLogits', logits, targets);
  const terms = zip(logits, targets, (x, t) => Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x))));
  return valuesOf(terms).reduce((a, b) => a + b, 0) / terms.size;
}

/** dlogits = (σ(x) − t) / (n·c) */
export function bceWithLogitsBackward(logits: Tensor, targets: Tensor): Tensor {
  check('bceWithLogitsBackward', logits, targets);
  return zip(logits, targets, (x, t) => (1 / (1 + Math.exp(-x)) - t) / logits.size);
}

import { tensor, valuesOf, type Tensor } from '../../reference/index.js';
import { draw } from './draw.js';
import type { GradientCase, OpSpec, Reference, Tensors } from './opSpec.js';

/** Step of the differences: about ε^(1/3), where truncation and rounding errors are similar. */
const STEP = 1e-5;

/** Upper bound of the roundings in one evaluation of the loss: the longest sum of all cases is shorter. */
const ROUNDINGS = 2000;

/**
 * Compares every gradient with central differences of L = Σ dy·y:
 *
 *     D(h) = (L(x + h) − L(x − h)) / 2h  =  L' + h²·L‴/6 + …
 *
 * The truncation error is measured: D(2h) − D(h) is three times that of D(h), to the next order. The rounding error of L
 * is at most ROUNDINGS·2⁻⁵³·Σ|dy·y|, and D divides it by h. The sum of both is the tolerance; it must be far below the
 * gradient itself.
 */
export function judgeGradients(ref: Reference, { op, gradients }: OpSpec): void {
  for (const gradient of gradients) judge(ref, `${op} ${gradient.name}`, gradient);
}

function judge(ref: Reference, what: string, { inputs, forward, backward, spacing = {} }: GradientCase): void {
  const y = forward(ref, inputs);
  const dy = typeof y === 'number' ? tensor([1], []) : draw(y.shape, 99);
  const weights = valuesOf(dy);
  const loss = (at: Tensors): number => {
    const value = forward(ref, at);
    return typeof value === 'number' ? value : valuesOf(value).reduce((sum, v, i) => sum + v * weights[i], 0);
  };
  const scale = typeof y === 'number' ? Math.abs(y) : valuesOf(y).reduce((s, v, i) => s + Math.abs(v * weights[i]), 0);
  const rounding = (ROUNDINGS * 2 ** -53 * scale) / STEP;

  const gradients = Object.entries(backward(ref, dy, inputs));
  if (gradients.length === 0) throw new Error(`${what}: no gradient`);
  for (const [name, gradient] of gradients) {
    const analytic = valuesOf(gradient);
    if (gradient.shape.join() !== inputs[name].shape.join()) throw new Error(`${what}: d${name} has the wrong shape`);
    const signal = analytic.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    for (let i = 0; i < analytic.length; i += spacing[name] ?? 1) {
      const difference = (h: number): number =>
        (loss(moved(inputs, name, i, h)) - loss(moved(inputs, name, i, -h))) / (2 * h);
      const [fine, coarse] = [difference(STEP), difference(2 * STEP)];
      const tolerance = Math.abs(coarse - fine) + rounding;
      if (!(tolerance < 1e-3 * signal)) throw new Error(`${what}: tolerance ${tolerance} is too large for d${name}`);
      if (!(Math.abs(analytic[i] - fine) <= tolerance)) {
        throw new Error(`${what}: d${name}[${i}] is ${analytic[i]}, differences give ${fine} ± ${tolerance}`);
      }
    }
  }
}

/** The inputs with one element changed by h. */
function moved(inputs: Tensors, name: string, i: number, h: number): Tensors {
  const values = valuesOf(inputs[name]);
  values[i] += h;
  const copy: Tensor = tensor(values, inputs[name].shape);
  return { ...inputs, [name]: copy };
}

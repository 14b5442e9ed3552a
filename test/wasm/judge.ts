/**
 * Compares a kernel's float32 output with the float64 reference. The bounds follow N. Higham, Accuracy and Stability of
 * Numerical Algorithms, ch. 3, with u = 2⁻²⁴ and γ_k = k·u/(1 − k·u):
 *
 *   convolution    K products and a bias, summed in any order: every term is rounded at most K + 1 times, so
 *                  γ_{K+1}·(Σ|w||x| + |b|)
 *   average        hw − 1 additions and a division: γ_{hw}·mean|x|
 *   leaky ReLU     one product, rounded once: u·|λx|; exact at λ = 0 and λ = 1
 *   max            exact
 *
 * If x itself has an error of at most δ, as after an op whose result was not stored, this adds Σ|w|δ to a convolution,
 * whose terms are at most |w|(|x|+δ); the mean of δ to an average; the largest δ of the window to a maximum; and δ to a
 * leaky ReLU with λ in [0, 1].
 */
import {
  adaptiveMaxPool2d,
  conv2d,
  depthwiseConv2d,
  globalAvgPool,
  leakyRelu,
  maxPool2d,
  tensor,
  valuesOf,
} from '../../reference/index.js';
import type { FloatArray, Tensor } from '../../src/core/tensor.js';
import type { OpCall } from '../../src/wasm/ops/opCall.js';

const U = 2 ** -24;
const gamma = (k: number): number => (k * U) / (1 - k * U);

/** The reference's result, and the error bound of float32, element by element. */
export interface Verdict {
  readonly shape: readonly number[];
  readonly exact: Float64Array;
  readonly bound: Float64Array;
}

type Operands = Readonly<Record<'x', Tensor> & Record<'weight' | 'bias', Tensor | null>>;
type Oracle = ReturnType<typeof tensor>;

const abs = (t: Oracle): Oracle => tensor(valuesOf(t).map(Math.abs), t.shape);
const scaled = (t: Oracle, factor: number): Float64Array => valuesOf(t).map((v) => factor * v);
const verdict = (y: Oracle, bound: Float64Array): Verdict => ({ shape: y.shape, exact: valuesOf(y), bound });

const plus = (a: Float64Array, b: Float64Array): Float64Array => a.map((v, i) => v + b[i]);

/**
 * The expected result of a call on these operands.
 *
 * @param delta the error bound of x, element by element; default 0
 */
export function judge(
  call: OpCall,
  operands: Operands,
  delta: Float64Array = new Float64Array(operands.x.data.length),
): Verdict {
  const x = tensor(operands.x.data, operands.x.shape);
  const off = tensor(delta, operands.x.shape);
  const magnitude = tensor(plus(valuesOf(abs(x)), delta), operands.x.shape);
  switch (call.op) {
    case 'conv2d':
    case 'depthwiseConv2d': {
      if (operands.weight === null) throw new Error(`${call.op} without a weight`);
      const op = call.op === 'conv2d' ? conv2d : depthwiseConv2d;
      const params = { stride: call.stride, padding: call.padding };
      const weight = tensor(operands.weight.data, operands.weight.shape);
      const bias = operands.bias === null ? null : tensor(operands.bias.data, operands.bias.shape);
      const [, c, kh, kw] = weight.shape;
      const terms = op(magnitude, abs(weight), bias === null ? null : abs(bias), params);
      const rounding = scaled(terms, gamma(c * kh * kw + 1));
      const y = op(x, weight, bias, params);
      // Skipped if all are 0, because a convolution over thousands of channels is slow.
      if (delta.every((d) => d === 0)) return verdict(y, rounding);
      return verdict(y, plus(rounding, valuesOf(op(off, abs(weight), null, params))));
    }
    case 'leakyRelu': {
      const y = leakyRelu(x, call.lambda);
      const rounds = call.lambda !== 0 && call.lambda !== 1;
      return verdict(y, rounds ? plus(delta, scaled(magnitude, U)) : delta);
    }
    case 'maxPool2d': {
      const window = { kernelSize: call.kernel_size, stride: call.stride };
      return verdict(maxPool2d(x, window), valuesOf(maxPool2d(off, window)));
    }
    case 'adaptiveMaxPool2d':
      return verdict(adaptiveMaxPool2d(x, call.output_size), valuesOf(adaptiveMaxPool2d(off, call.output_size)));
    case 'globalAvgPool': {
      const rounding = scaled(globalAvgPool(magnitude), gamma(call.input[1] * call.input[2]));
      return verdict(globalAvgPool(x), plus(rounding, valuesOf(globalAvgPool(off))));
    }
    case 'dropout':
      return verdict(x, delta);
  }
}

const isFinite = (v: number): boolean => Number.isFinite(v);
const largest = (values: Float64Array): number => values.filter(isFinite).reduce((m, v) => Math.max(m, Math.abs(v)), 0);

/**
 * Checks a result; returns the first error, or null. A bound as large as the signal is also an error, because it would
 * accept any result, unless the signal may vanish.
 */
export function findMismatch(y: FloatArray, { exact, bound }: Verdict, mayVanish = false): string | null {
  if (y.length !== exact.length) return `${y.length} elements, not ${exact.length}`;
  const [signal, widest] = [largest(exact), largest(bound)];
  if (!mayVanish && widest > 0 && widest >= signal)
    return `the bound ${widest} is not smaller than the signal ${signal}`;
  for (let i = 0; i < y.length; i++) {
    const same = y[i] === exact[i] || (Number.isNaN(y[i]) && Number.isNaN(exact[i]));
    if (!same && !(Math.abs(y[i] - exact[i]) <= bound[i])) {
      return `element ${i}: ${y[i]} is not within ${bound[i]} of ${exact[i]}`;
    }
  }
  return null;
}

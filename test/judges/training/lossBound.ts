/**
 * The reference's losses and gradients, with the error bounds of float32. With u and γ_k of the engine, ε_x the error of
 * its exp(x), Λ(x) that of its log(x), C classes and s = x − max x:
 *
 *   log p      s: u·|s|; Σ exp(s): relative error E = max(ε_s + u·|s|) + γ_C; its log:
 *              2E + Λ; the difference: δ = u·|s| + 2E + Λ + u·|log p|
 *   CE         Σ |q|·(δ + γ_{C+1}·|log p|)
 *   gradient   p·Σq − q, /n: error of p is p·(2δ + ε): (2δ + ε + γ_{C+2})·p·Σq + u·|…|, and a quotient
 *   BCE        max(x, 0) − x·q + log(1 + t), t = exp(−|x|): γ₃·(|x| + |x·q|) + 2(ε·t + u) + Λ(1 + t),
 *              and a mean of C
 *   gradient   σ = 1 or t over 1 + t: (2ε + u + a quotient)·σ; − q; a quotient
 *
 * If losses are computed in float64 with exp and log within 2 ulp, each term of the sums is off by a few ulp of float64;
 * 32 ulp per class are allowed. The gradient is then rounded to float32.
 */
import {
  bceWithLogits,
  bceWithLogitsBackward,
  crossEntropy,
  crossEntropyBackward,
  tensor,
  valuesOf,
} from '../../../reference/index.js';
import type { Loss } from '../../../src/core/optimizer.js';
import type { Tensor } from '../../../src/core/tensor.js';
import { gammaOf, type Arithmetic } from '../arithmetic.js';
import type { Verdict } from '../../wasm/judge.js';

const SLACK = 32 * 2 ** -53;

const largest = (values: readonly number[]): number => Math.max(...values.map(Math.abs));

export interface LossVerdict {
  /** Loss of each image. */
  readonly losses: Verdict;
  readonly dlogits: Verdict;
}

export function lossBound(kind: Loss, x: Tensor, q: Tensor, by: Arithmetic): LossVerdict {
  const [n, classes] = x.shape;
  const [value, slope] = kind === 'bce' ? [bceWithLogits, bceWithLogitsBackward] : [crossEntropy, crossEntropyBackward];
  const row = ({ data }: Tensor, i: number): number[] => [...data.slice(i * classes, (i + 1) * classes)];
  const rows = Array.from({ length: n }, (_, i) => ({ logits: row(x, i), shares: row(q, i) }));
  const exact = rows.map(({ logits, shares }) => value(tensor(logits, [1, classes]), tensor(shares, [1, classes])));
  const dlogits = valuesOf(slope(tensor(x.data, x.shape), tensor(q.data, q.shape)));
  if (by.longLosses) {
    // The terms of BCE are positive; those of cross-entropy are as large as the logits.
    const sizeOf = (i: number): number =>
      kind === 'bce' ? exact[i] : classes * (2 * largest(rows[i].logits) + Math.log(classes));
    return {
      losses: {
        shape: [n],
        exact: Float64Array.from(exact),
        bound: Float64Array.from(exact, (_, i) => SLACK * classes * sizeOf(i)),
      },
      dlogits: {
        shape: x.shape,
        exact: dlogits,
        bound: dlogits.map((g) => by.unit * Math.abs(g) + (SLACK * classes * (1 + classes)) / n),
      },
    };
  }
  const bounds = rows.map(({ logits, shares }) => (kind === 'bce' ? ofBce : ofCrossEntropy)(logits, shares, by));
  const quotient = gammaOf(by)(1 + by.division);
  return {
    losses: { shape: [n], exact: Float64Array.from(exact), bound: Float64Array.from(bounds.map(({ loss }) => loss)) },
    dlogits: {
      shape: x.shape,
      exact: dlogits,
      bound: dlogits.map((g, i) => {
        const off = bounds[Math.floor(i / classes)].slopes[i % classes] / (kind === 'bce' ? n * classes : n);
        return off + quotient * (Math.abs(g) + off);
      }),
    },
  };
}

interface Bounds {
  readonly loss: number;
  /** Before division by the number of images, and of classes. */
  readonly slopes: readonly number[];
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function ofCrossEntropy(x: readonly number[], q: readonly number[], by: Arithmetic): Bounds {
  const gamma = gammaOf(by);
  const most = Math.max(...x);
  const shifted = x.map((v) => v - most);
  const total = sum(shifted.map(Math.exp));
  const off = Math.max(...shifted.map((s) => by.exp(s) + by.unit * Math.abs(s))) + gamma(x.length);
  const logs = shifted.map((s) => s - Math.log(total));
  const deltas = logs.map((log, c) => by.unit * (Math.abs(shifted[c]) + Math.abs(log)) + 2 * off + by.log(total));
  const shares = sum(q);
  return {
    loss: sum(q.map((share, c) => Math.abs(share) * (deltas[c] + gamma(x.length + 1) * Math.abs(logs[c])))),
    slopes: logs.map((log, c) => {
      const p = Math.exp(log) * shares;
      return (2 * deltas[c] + by.exp(log) + gamma(x.length + 2)) * p + by.unit * Math.abs(p - q[c]);
    }),
  };
}

function ofBce(x: readonly number[], q: readonly number[], by: Arithmetic): Bounds {
  const gamma = gammaOf(by);
  const classes = x.map((v, c) => {
    const t = Math.exp(-Math.abs(v));
    const terms = Math.abs(v) + Math.abs(v * q[c]) + Math.log1p(t);
    const off = gamma(3) * terms + 2 * (by.exp(-Math.abs(v)) * t + by.unit) + by.log(1 + t);
    return off + gamma(x.length + 1 + by.division) * (terms + off);
  });
  return {
    loss: sum(classes) / x.length,
    slopes: x.map((v, c) => {
      const sigma = 1 / (1 + Math.exp(-v));
      const off = (2 * by.exp(-Math.abs(v)) + gamma(1 + by.division)) * sigma;
      return off + by.unit * (Math.abs(sigma - q[c]) + off);
    }),
  };
}

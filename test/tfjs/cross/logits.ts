/**
 * Logits of the whole network, held against what float32 may be off by:
 *
 *   deploy form  reference/float32Bound.ts, a bound to all orders and across kinks. It is told
 *                for u = 2⁻²⁴; every term of it grows no faster than with (u/2⁻²⁴)^depth, and by
 *                one power up to terms of u², so that another u scales it
 *   train form   in eval, to first order and away from kinks, as there: Σ |∂z/∂y|·δ, the sum over
 *                all layers and elements, with the layers' own bounds for δ
 *   fusion       fused and unfused on one engine: both of these, and what the oracle's differ by
 */
import { float32Bound, fuse, valuesOf } from '../../../reference/index.js';
import type { ModelConfig } from '../../../src/core/config.js';
import type { StateDict, Tensor } from '../../../src/core/tensor.js';
import { toOracleConfig } from '../../../src/oracle/backend.js';
import { stateFromOracle, stateToOracle, toOracle } from '../../../src/oracle/state.js';
import type { Arithmetic } from '../../judges/arithmetic.js';
import type { Verdict } from '../../wasm/judge.js';
import { drawState } from '../../wasm/networks.js';
import { runChain } from '../../judges/training/chain.js';
import { imagesFor } from './given.js';
import type { Network } from './networks.js';
import { rowOf, type Row } from './row.js';
import type { Subject } from './subject.js';

const SLACK = 1 + 2 ** -10;

function ofDeploy(config: ModelConfig, state: StateDict, x: Tensor, by: Arithmetic): Verdict {
  const { logits, bounds } = float32Bound(toOracleConfig(config), stateToOracle(state), toOracle(x));
  const scale = by.unit === 2 ** -24 ? 1 : (by.unit / 2 ** -24) * SLACK;
  return { shape: logits.shape, exact: valuesOf(logits), bound: valuesOf(bounds).map((v) => scale * v) };
}

/** To first order: one backward pass a class, for images do not mix in eval. */
export function firstOrder(config: ModelConfig, state: StateDict, x: Tensor, by: Arithmetic): Verdict {
  const mode = { training: false, lambda: config.lambda ?? 0, mask: null };
  const { logits, layers } = runChain(config, state, x, mode, by);
  const [n, classes] = logits.shape;
  const bound = new Float64Array(n * classes);
  for (let c = 0; c < classes; c++) {
    const seed = Float64Array.from({ length: n * classes }, (_, i) => Number(i % classes === c));
    let dy: Tensor = { data: seed, shape: [n, classes, 1, 1] };
    for (const { verdict } of [...layers].reverse()) {
      const perImage = dy.data.length / n;
      const delta = verdict.y.bound;
      dy.data.forEach((g, i) => (bound[Math.floor(i / perImage) * classes + c] += Math.abs(g) * delta[i]));
      const dx = verdict.backward(dy).get('dx');
      if (dx === undefined) throw new Error('a layer without dx');
      dy = { data: dx.exact, shape: dx.shape };
    }
  }
  return { shape: logits.shape, exact: Float64Array.from(logits.data), bound };
}

async function logitsOf(subject: Subject, state: StateDict, config: ModelConfig, x: Tensor): Promise<Float64Array> {
  const session = await subject.open(state, config);
  const logits = await session.forward(x.data, x.shape[0]);
  session.dispose();
  return Float64Array.from(logits);
}

/** @param lambdas of the train form */
export async function logitRows(subject: Subject, network: Network, lambdas: readonly number[]): Promise<Row[]> {
  const { arithmetic } = subject;
  const { config, label } = network;
  const [state, x] = [drawState(config), imagesFor(network)];
  const row = (check: string, at: string, got: Float64Array, verdict: Pick<Verdict, 'exact' | 'bound'>): Row =>
    rowOf(check, at, [{ got, verdict, at: 'logits' }]);
  if (config.form === 'deploy') {
    return [row('logits', label, await logitsOf(subject, state, config, x), ofDeploy(config, state, x, arithmetic))];
  }
  const rows: Row[] = [];
  for (const lambda of lambdas) {
    const at = { ...config, lambda };
    const verdict = firstOrder(at, state, x, arithmetic);
    rows.push(row('logits', `${label}, λ ${lambda}`, await logitsOf(subject, state, at, x), verdict));
  }

  const linear = { ...config, lambda: 1 };
  const probe = toOracle(x);
  // In float32, as the engine has it: what fusion itself rounds is no matter of the engine's.
  const made = fuse(toOracleConfig(linear), stateToOracle(state), { lambda: 1, probe });
  const fused = new Map(
    [...stateFromOracle(made.state)].map(([name, { data, shape }]) => [name, { data: Float32Array.from(data), shape }]),
  );
  const deploy: ModelConfig = { ...linear, form: 'deploy' };
  const [before, after] = [firstOrder(linear, state, x, arithmetic), ofDeploy(deploy, fused, x, arithmetic)];
  const got = await logitsOf(subject, fused, deploy, x);
  rows.push(row('fused logits', label, got, after));
  rows.push(
    row('fused against unfused', label, got, {
      exact: await logitsOf(subject, state, linear, x),
      bound: before.bound.map((v, i) => v + after.bound[i] + Math.abs(before.exact[i] - after.exact[i])),
    }),
  );
  return rows;
}

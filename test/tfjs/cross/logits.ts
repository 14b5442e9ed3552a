/**
 * Compares the logits of the whole network with the reference, within bounds of the float32 error:
 *
 *   deploy form  reference/float32Bound.ts: a bound of all orders, valid across kinks. It is computed for u = 2⁻²⁴ and
 *                scaled by u/2⁻²⁴ for another u; higher orders are covered by SLACK
 *   train form   in eval mode, the first-order bound Σ |∂z/∂y|·δ over all layers and elements, with each layer's own
 *                bound δ; valid away from kinks
 *   fusion       fused and unfused on one engine: the sum of both bounds, plus the difference in the reference
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
import { imagesFor } from './inputs.js';
import type { Network } from './networks.js';
import { rowOf, type Row } from './row.js';
import type { Subject } from './subject.js';

const SLACK = 1 + 2 ** -10;

function deployBound(config: ModelConfig, state: StateDict, x: Tensor, arithmetic: Arithmetic): Verdict {
  const { logits, bounds } = float32Bound(toOracleConfig(config), stateToOracle(state), toOracle(x));
  const scale = arithmetic.unit === 2 ** -24 ? 1 : (arithmetic.unit / 2 ** -24) * SLACK;
  return { shape: logits.shape, exact: valuesOf(logits), bound: valuesOf(bounds).map((v) => scale * v) };
}

/** The first-order bound. One backward pass for each class, because images are independent in eval mode. */
export function firstOrderBound(config: ModelConfig, state: StateDict, x: Tensor, arithmetic: Arithmetic): Verdict {
  const mode = { training: false, lambda: config.lambda ?? 0, mask: null };
  const { logits, layers } = runChain(config, state, x, mode, arithmetic);
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

/** Computed once for each network and arithmetic, and shared by the engines. */
const verdicts = new Map<string, Verdict>();

function shared(key: string, compute: () => Verdict): Verdict {
  const verdict = verdicts.get(key) ?? compute();
  verdicts.set(key, verdict);
  return verdict;
}

/** The fused network, rounded to float32 for the reference, too: the rounding of the fusion is not the engine's error. */
function fuseToFloat32(config: ModelConfig, state: StateDict, x: Tensor): StateDict {
  const fusion = fuse(toOracleConfig(config), stateToOracle(state), { lambda: 1, probe: toOracle(x) });
  return new Map(
    [...stateFromOracle(fusion.state)].map(([name, { data, shape }]) => [
      name,
      { data: Float32Array.from(data), shape },
    ]),
  );
}

/** @param lambdas the values of λ for the train form */
export async function logitRows(subject: Subject, network: Network, lambdas: readonly number[]): Promise<Row[]> {
  const { arithmetic } = subject;
  const { config, label } = network;
  const [state, x] = [drawState(config), imagesFor(network)];
  const key = `${label}, ${arithmetic.label}`;
  const row = (check: string, at: string, got: Float64Array, verdict: Pick<Verdict, 'exact' | 'bound'>): Row =>
    rowOf(check, at, [{ got, verdict, at: 'logits' }]);
  if (config.form === 'deploy') {
    const verdict = shared(key, () => deployBound(config, state, x, arithmetic));
    return [row('logits', label, await logitsOf(subject, state, config, x), verdict)];
  }
  const verdictAt = (lambda: number): Verdict =>
    shared(`${key}, λ ${lambda}`, () => firstOrderBound({ ...config, lambda }, state, x, arithmetic));
  const rows: Row[] = [];
  for (const lambda of lambdas) {
    const got = await logitsOf(subject, state, { ...config, lambda }, x);
    rows.push(row('logits', `${label}, λ ${lambda}`, got, verdictAt(lambda)));
  }

  const linear = { ...config, lambda: 1 };
  const deploy: ModelConfig = { ...linear, form: 'deploy' };
  const fused = fuseToFloat32(linear, state, x);
  const [before, after] = [verdictAt(1), shared(`${key}, fused`, () => deployBound(deploy, fused, x, arithmetic))];
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

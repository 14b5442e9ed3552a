/**
 * The checks of a build of the WebAssembly engine: those of the other engines, with its own units in place of layers.
 */
import { bytes as plain } from '#wasm/train-plain';
import { bytes as relaxed } from '#wasm/train-relaxed';
import type { Build } from '../../../src/wasm/build.js';
import { openOps } from '../../../src/wasm/ops/openOps.js';
import { judge } from '../../wasm/judge.js';
import { SWEEP, TABLE } from '../../wasm/ops/samples.js';
import { throughOps } from '../../wasm/ops/throughOps.js';
import { NETWORKS as UNITS } from '../../wasm/training/chain.js';
import { passOf } from '../../wasm/training/pass.js';
import { LAMBDAS, logitSections, stepSections, type Section } from './crossCheck.js';
import { rowOf, type Comparison, type Row } from './row.js';
import { wasmSubject } from './wasmSubject.js';

const TRAINING = { plain, relaxed };

/** Collects comparisons by check. */
class Comparisons {
  readonly #comparisons = new Map<string, Comparison[]>();

  add(check: string, comparison: Comparison): void {
    this.#comparisons.set(check, [...(this.#comparisons.get(check) ?? []), comparison]);
  }

  rows(network: string): Row[] {
    return [...this.#comparisons].map(([check, all]) => rowOf(check, network, all));
  }
}

/** Every op of the deploy form on samples of many sizes. */
async function opRows(build: Build): Promise<Row[]> {
  const ops = await openOps({ build });
  const comparisons = new Comparisons();
  for (const sample of [...TABLE, ...SWEEP]) {
    const verdict = judge(sample.call, sample);
    // NaN and infinities have no distance. test/wasm compares them.
    if (!verdict.exact.every(Number.isFinite)) continue;
    comparisons.add(sample.call.op, { got: throughOps(ops, sample).data, verdict, at: sample.label });
  }
  return comparisons.rows('samples');
}

/** Every unit of a training: outputs, running statistics and gradients. */
async function unitRows(build: Build, network: (typeof UNITS)[number], lambda: number): Promise<Row[]> {
  const comparisons = new Comparisons();
  for await (const { way, op, ...comparison } of passOf(TRAINING[build], lambda, network)) {
    comparisons.add(way === 'forward' ? `unit ${op}` : `unit ${op} backward`, comparison);
  }
  return comparisons.rows(`${network.label}, λ ${lambda}`);
}

/** @param brief leaves out ops and units, which test/wasm compares */
export function wasmSections(build: Build, { brief = false } = {}): Section[] {
  const subject = wasmSubject(build);
  const parts = [
    { name: 'ops', run: () => opRows(build) },
    // All λ on the first network, one on each of the others.
    ...UNITS.flatMap((network, i) =>
      (i === 0 ? LAMBDAS : [0.25]).map((lambda) => ({
        name: `units: ${network.label}, λ ${lambda}`,
        run: () => unitRows(build, network, lambda),
      })),
    ),
  ];
  return [...(brief ? [] : parts), ...logitSections(subject, brief), ...stepSections(subject, brief)];
}

/** What is checked of a build of the WebAssembly engine: the same as of the others, but that its layers are units of its own. */
import { bytes as plain } from '#wasm/train-plain';
import { bytes as relaxed } from '#wasm/train-relaxed';
import type { Build } from '../../../src/wasm/build.js';
import { openOps } from '../../../src/wasm/ops/openOps.js';
import { judge } from '../../wasm/judge.js';
import { SWEEP, TABLE } from '../../wasm/ops/samples.js';
import { throughOps } from '../../wasm/ops/throughOps.js';
import { NETWORKS as UNITS } from '../../wasm/training/chain.js';
import { passOf } from '../../wasm/training/pass.js';
import { LAMBDAS, type Section } from './crossCheck.js';
import { logitRows } from './logits.js';
import { NETWORKS } from './networks.js';
import { rowOf, type Held, type Row } from './row.js';
import { TRAJECTORIES, stepRows } from './steps.js';
import { wasmSubject } from './wasmSubject.js';

const TRAINING = { plain, relaxed };

/** Outputs by what they are checked as. */
class Ways {
  readonly #ways = new Map<string, Held[]>();

  hold(check: string, held: Held): void {
    this.#ways.set(check, [...(this.#ways.get(check) ?? []), held]);
  }

  rows(network: string): Row[] {
    return [...this.#ways].map(([check, all]) => rowOf(check, network, all));
  }
}

/** Every op of the deploy form, of samples of all sizes. */
async function opRows(build: Build): Promise<Row[]> {
  const ops = await openOps({ build });
  const ways = new Ways();
  for (const sample of [...TABLE, ...SWEEP]) {
    const verdict = judge(sample.call, sample);
    // What is no number has no distance; test/wasm looks at it.
    if (!verdict.exact.every(Number.isFinite)) continue;
    ways.hold(sample.call.op, { got: throughOps(ops, sample).data, verdict, at: sample.label });
  }
  return ways.rows('samples');
}

/** Every unit of a training: outputs, running statistics and gradients. */
async function unitRows(build: Build, network: (typeof UNITS)[number], lambda: number): Promise<Row[]> {
  const ways = new Ways();
  for await (const { way, op, ...held } of passOf(TRAINING[build], lambda, network)) {
    ways.hold(way === 'forward' ? `unit ${op}` : `unit ${op} backward`, held);
  }
  return ways.rows(`${network.label}, λ ${lambda}`);
}

export function wasmSections(build: Build): Section[] {
  const subject = wasmSubject(build);
  return [
    { name: 'ops', run: () => opRows(build) },
    // Every λ on one network, and one of them on each of the others.
    ...UNITS.flatMap((network, i) =>
      (i === 0 ? LAMBDAS : [0.25]).map((lambda) => ({
        name: `units: ${network.label}, λ ${lambda}`,
        run: () => unitRows(build, network, lambda),
      })),
    ),
    ...NETWORKS.map((network) => ({
      name: `logits: ${network.label}`,
      run: () => logitRows(subject, network, LAMBDAS),
    })),
    ...TRAJECTORIES.map((course) => ({
      name: `steps: ${course.label}`,
      run: async () => [await stepRows(subject, course)],
    })),
  ];
}

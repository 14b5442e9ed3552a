/** Everything that is checked of an engine, in Node or in a browser: this imports neither jest nor Node. */
import { missingKernels } from '../../../src/tfjs/tf.js';
import type { EngineUnderTest } from './engine.js';
import { layerRows } from './layers.js';
import { leakRows } from './leaks.js';
import { logitRows } from './logits.js';
import { lossRows } from './losses.js';
import { FLAT, NETWORKS } from './networks.js';
import { optimizerRows } from './optimizers.js';
import type { Row } from './row.js';
import { TRAJECTORIES, stepRows } from './steps.js';
import { subjectOf } from './subject.js';

export const LAMBDAS = [0, 0.25, 1] as const;

/** By the place of a network in the list. */
const LAYER_LAMBDAS: readonly (readonly number[])[] = [LAMBDAS, [0], [1], [0.25], [0.25]];

export interface Section {
  readonly name: string;
  readonly run: () => Promise<Row[]>;
}

/** What an engine lacks for training; empty where it trains. */
export const lackedForTraining = ({ tf }: Pick<EngineUnderTest, 'tf'>): string[] => missingKernels(tf, tf.getBackend());

/** The parts of the check, one after the other. Of an engine that cannot train, what it can. */
export function sectionsOf(engine: EngineUnderTest): Section[] {
  const trains = lackedForTraining(engine).length === 0;
  const subject = subjectOf(engine);
  // Every λ on one network, and one of them on each of the others.
  const layers = [...NETWORKS, FLAT]
    .map((network, i) => ({ network, lambdas: LAYER_LAMBDAS[i] }))
    .map(({ network, lambdas }) => ({
      name: `layers: ${network.label}`,
      async run() {
        const rows: Row[] = [];
        for (const lambda of lambdas) {
          rows.push(...(await layerRows(engine, network, lambda, { training: true, backward: trains })));
        }
        return [...rows, ...(await layerRows(engine, network, 0.25, { training: false, backward: false }))];
      },
    }));
  const logits = NETWORKS.map((network) => ({
    name: `logits: ${network.label}`,
    run: () => logitRows(subject, network, LAMBDAS),
  }));
  const steps = TRAJECTORIES.map((course) => ({
    name: `steps: ${course.label}`,
    run: async () => [await stepRows(subject, course)],
  }));
  return [
    ...layers,
    { name: 'losses', run: () => lossRows(engine) },
    { name: 'optimizers', run: () => optimizerRows(engine) },
    ...logits,
    ...(trains ? steps : []),
    { name: 'leaks', run: () => leakRows(engine, trains) },
  ];
}

/** @param onSection is told of every part as it begins */
export async function crossCheck(engine: EngineUnderTest, onSection?: (name: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name, run } of sectionsOf(engine)) {
    onSection?.(name);
    rows.push(...(await run()));
  }
  return rows;
}

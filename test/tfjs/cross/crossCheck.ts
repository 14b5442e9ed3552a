/** Everything that is checked of an engine, in Node or in a browser: this imports neither jest nor Node. */
import { missingKernels } from '../../../src/tfjs/tf.js';
import type { EngineUnderTest } from './engine.js';
import { layerRows } from './layers.js';
import { leakRows } from './leaks.js';
import { logitRows } from './logits.js';
import { lossRows } from './losses.js';
import { FLAT, NETWORKS } from './networks.js';
import { optimiserRows } from './optimisers.js';
import type { Row } from './row.js';
import { COURSES, stepRows } from './steps.js';
import { subjectOf } from './subject.js';

export const LAMBDAS = [0, 0.25, 1] as const;

export interface Section {
  readonly name: string;
  readonly run: () => Promise<Row[]>;
}

/** What an engine lacks for training; empty where it trains. */
export const lackedForTraining = ({ tf }: Pick<EngineUnderTest, 'tf'>): string[] =>
  missingKernels(tf, tf.getBackend());

/** The parts of the check, one after the other. Of an engine that cannot train, what it can. */
export function sectionsOf(engine: EngineUnderTest): Section[] {
  const trains = lackedForTraining(engine).length === 0;
  const subject = subjectOf(engine);
  const layers = [...NETWORKS, FLAT].map((network) => ({
    name: `layers: ${network.label}`,
    async run() {
      const rows: Row[] = [];
      const lambdas = network.config.form === 'train' && network !== FLAT ? LAMBDAS : ([0.25] as const);
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
  const steps = COURSES.map((course) => ({
    name: `steps: ${course.label}`,
    run: async () => [await stepRows(subject, course)],
  }));
  return [
    ...layers,
    { name: 'losses', run: () => lossRows(engine) },
    { name: 'optimisers', run: () => optimiserRows(engine) },
    ...logits,
    ...(trains ? steps : []),
    { name: 'leaks', run: () => leakRows(engine, trains) },
  ];
}

export async function crossCheck(engine: EngineUnderTest): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { run } of sectionsOf(engine)) rows.push(...(await run()));
  return rows;
}

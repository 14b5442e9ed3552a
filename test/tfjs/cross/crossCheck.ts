/** All checks of an engine. They run in Node and in browsers, so nothing here imports jest or Node's modules. */
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

/** The values of λ for each network. */
const LAYER_LAMBDAS: readonly (readonly number[])[] = [LAMBDAS, [0], [1], [0.25], [0.25]];

/** A leak shows after a few runs. */
const BRIEF_RUNS = 200;

export interface Section {
  readonly name: string;
  readonly run: () => Promise<Row[]>;
}

/** The kernels that the active engine lacks for training. */
export const missingTrainingKernels = ({ tf }: Pick<EngineUnderTest, 'tf'>): string[] =>
  missingKernels(tf, tf.getBackend());

/** The sections of the check. An engine that cannot train runs only the forward ones. @param brief fewer trainings and repetitions */
export function sectionsOf(engine: EngineUnderTest, { brief = false } = {}): Section[] {
  const canTrain = missingTrainingKernels(engine).length === 0;
  const subject = subjectOf(engine);
  // All λ on the first network, one on each of the others.
  const layers = [...NETWORKS, FLAT]
    .map((network, i) => ({ network, lambdas: LAYER_LAMBDAS[i] }))
    .map(({ network, lambdas }) => ({
      name: `layers: ${network.label}`,
      async run() {
        const rows: Row[] = [];
        for (const lambda of lambdas) {
          rows.push(...(await layerRows(engine, network, lambda, { training: true, backward: canTrain })));
        }
        return [...rows, ...(await layerRows(engine, network, 0.25, { training: false, backward: false }))];
      },
    }));
  const logits = NETWORKS.map((network) => ({
    name: `logits: ${network.label}`,
    run: () => logitRows(subject, network, LAMBDAS),
  }));
  const steps = (brief ? TRAJECTORIES.slice(2, 3) : TRAJECTORIES).map((trajectory) => ({
    name: `steps: ${trajectory.label}`,
    run: async () => [await stepRows(subject, trajectory)],
  }));
  return [
    ...layers,
    { name: 'losses', run: () => lossRows(engine) },
    { name: 'optimizers', run: () => optimizerRows(engine) },
    ...logits,
    ...(canTrain ? steps : []),
    { name: 'leaks', run: () => leakRows(engine, canTrain, brief ? BRIEF_RUNS : undefined) },
  ];
}

/** Runs all sections. @param onSection called with the name of each section before it runs */
export async function crossCheck(engine: EngineUnderTest, onSection?: (name: string) => void): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name, run } of sectionsOf(engine)) {
    onSection?.(name);
    rows.push(...(await run()));
  }
  return rows;
}

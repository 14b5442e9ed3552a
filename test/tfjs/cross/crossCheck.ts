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
import { BRIEF_TRAJECTORIES, TRAJECTORIES, stepRows } from './steps.js';
import { subjectOf, type Subject } from './subject.js';

export const LAMBDAS = [0, 0.25, 1] as const;

/** The values of λ for each network: all on the first one. */
const LAYER_LAMBDAS: readonly (readonly number[])[] = [LAMBDAS, [0], [1], [0.25], [0.25]];

/** Each value of λ on one network. */
const BRIEF_LAYER_LAMBDAS = LAYER_LAMBDAS.with(0, [0.25]);
const BRIEF_LOGIT_LAMBDAS: readonly (readonly number[])[] = [[1], [0.25], [0], [0]];

/** A leak shows after a few runs. */
const BRIEF_RUNS = 75;

export interface Section {
  readonly name: string;
  readonly run: () => Promise<Row[]>;
}

/** Logits of every network. They are the same checks for every backend. */
export const logitSections = (subject: Subject, brief: boolean): Section[] =>
  NETWORKS.map((network, i) => ({
    name: `logits: ${network.label}`,
    run: () => logitRows(subject, network, brief ? BRIEF_LOGIT_LAMBDAS[i] : LAMBDAS),
  }));

/** Trainings. They are the same checks for every backend. */
export const stepSections = (subject: Subject, brief: boolean): Section[] =>
  (brief ? BRIEF_TRAJECTORIES : TRAJECTORIES).map((trajectory) => ({
    name: `steps: ${trajectory.label}`,
    run: async () => [await stepRows(subject, trajectory)],
  }));

/** The kernels that the active engine lacks for training. */
export const missingTrainingKernels = ({ tf }: Pick<EngineUnderTest, 'tf'>): string[] =>
  missingKernels(tf, tf.getBackend());

/** The sections of the check. An engine that cannot train runs only the forward ones. @param brief fewer values of λ, steps and repetitions */
export function sectionsOf(engine: EngineUnderTest, { brief = false } = {}): Section[] {
  const canTrain = missingTrainingKernels(engine).length === 0;
  const subject = subjectOf(engine);
  const layers = [...NETWORKS, FLAT]
    .map((network, i) => ({ network, lambdas: (brief ? BRIEF_LAYER_LAMBDAS : LAYER_LAMBDAS)[i] }))
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
  return [
    ...layers,
    { name: 'losses', run: () => lossRows(engine) },
    { name: 'optimizers', run: () => optimizerRows(engine) },
    ...logitSections(subject, brief),
    ...(canTrain ? stepSections(subject, brief) : []),
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

/** The backend of a training, and the memory that it takes. */
import type { ModelConfig } from '../core/config.js';
import { referenceBackend } from '../oracle/backend.js';
import type { Recipe } from '../train/recipe.js';
import type { OpenTrainer } from '../train/runOptions.js';
import { oracleTrainer } from '../train/oracleTrainer.js';
import { tfjsTrainer } from '../train/tfjsTrainer.js';
import { wasmTrainer } from '../train/wasmTrainer.js';
import { wasmBackend } from '../wasm/inference/backend.js';
import { resolveTrainingBuild } from '../wasm/training/build.js';
import { threadCount } from '../wasm/team.js';
import { planTraining } from '../wasm/training/layout.js';
import { engineOf, noteThreads, openTfjs, type BackendOptions } from './backends.js';

/** The most bytes of WebAssembly memory that the training takes; null for other backends. */
export function trainingMemory(
  config: ModelConfig,
  { batchSize, gradAccumSteps, loss, ema, freeze }: Recipe,
  { backend, threads }: BackendOptions,
): number | null {
  if (backend !== wasmBackend.name) return null;
  const plan = { threads: threadCount(threads), loss, ema: ema > 0, gradAccumSteps, freeze };
  return planTraining(config, batchSize / gradAccumSteps, plan).arena.end;
}

/** The trainer of a backend, and a name that identifies its bits: backend and build, or engine. */
export async function selectTrainer({
  backend,
  build,
  threads,
}: BackendOptions): Promise<{ readonly openTrainer: OpenTrainer; readonly name: string }> {
  if (backend === referenceBackend.name) return { openTrainer: oracleTrainer, name: backend };
  const engine = engineOf(backend);
  if (engine === null) {
    noteThreads(threads);
    const name = `${backend} ${resolveTrainingBuild(build)}`;
    return { openTrainer: (config, trainer) => wasmTrainer(config, { ...trainer, build, threads }), name };
  }
  const tfjs = await openTfjs(engine, { training: true });
  return { openTrainer: (config, trainer) => tfjsTrainer(tfjs, config, trainer), name: tfjs.name };
}

/** The engines of TensorFlow.js that this Node has: chosen, loaded, and listed. */
import { BackendUnavailableError, ParamError } from '../../core/errors.js';
import { ENGINES, type EngineName, type EngineReport } from '../engineReport.js';
import { missingKernels } from '../tf.js';
import { open, reasonOf, remedyOf, type EngineState, type LoadedEngine } from './open.js';
import { probe } from './probe.js';

export type { EngineState, LoadedEngine, TensorFlow } from './open.js';

const refusal = (expected: string, reason: string, remedy: string, cause?: unknown): BackendUnavailableError =>
  new BackendUnavailableError({ op: 'tfjs', expected, got: `${reason}; to have it: ${remedy}` }, { cause });

/** One that is named is that or an error: nothing else is used in its place. */
async function loadNamed(name: EngineName, training: boolean): Promise<LoadedEngine> {
  const loaded = await open(name).catch((error: unknown) => {
    throw refusal(`the engine ${name}`, reasonOf(name, error), remedyOf(name, error), error);
  });
  if (training && !loaded.report.canTrain) {
    const lacks = missingKernels(loaded.tf, loaded.report.backend).join(', ');
    throw refusal('an engine that trains', `${name}, whose package has no ${lacks}`, remedyOf('cpu'));
  }
  return loaded;
}

/** Whether `auto` takes it: a graphics processor, or what is slower and honest about it. */
const worthIt = ({ engine, isHardware, canTrain }: EngineReport, training: boolean): boolean =>
  (isHardware || engine === 'tfjs-node' || engine === 'wasm' || engine === 'cpu') && (canTrain || !training);

/**
 * An engine of TensorFlow.js: that of the name, or with `auto` the first of
 * tfjs-node-gpu on a CUDA device, webgpu on a hardware adapter, tfjs-node, wasm (which
 * does not train) and cpu.
 *
 * @throws ParamError for a name that is none, BackendUnavailableError with the reason and what would change it
 */
export async function loadEngine(name: EngineName | 'auto' = 'auto', { training = false } = {}): Promise<LoadedEngine> {
  if (name !== 'auto') {
    if (ENGINES.includes(name)) return loadNamed(name, training);
    throw new ParamError({ op: 'tfjs', expected: `auto, ${ENGINES.join(', ')}`, got: name });
  }
  const reasons: string[] = [];
  for (const candidate of ENGINES) {
    // One that is not taken is not to stay in this process.
    const state = await probe(candidate);
    if (!state.available) reasons.push(state.reason);
    else if (worthIt(state, training)) return loadNamed(candidate, training);
    else {
      const why = training && !state.canTrain ? 'it does not train' : `it is no hardware, but ${state.device}`;
      reasons.push(`${candidate}: ${why}`);
    }
  }
  throw refusal(`an engine of TensorFlow.js${training ? ' that trains' : ''}`, reasons.join('; '), remedyOf('cpu'));
}

/** All engines, there or not. */
export const listEngines = (): Promise<EngineState[]> => Promise.all(ENGINES.map((name) => probe(name)));

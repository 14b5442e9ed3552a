/** Chooses, loads and lists the engines of TensorFlow.js in Node. */
import { BackendUnavailableError, ParamError } from '../../core/errors.js';
import { ENGINES, type EngineName, type EngineReport } from '../engineReport.js';
import { missingKernels } from '../tf.js';
import { hintOf, open, engineReasonOf, type EngineState, type LoadedEngine } from './open.js';
import { probe } from './probe.js';

export type { EngineState, LoadedEngine, TensorFlow } from './open.js';

/** Loads the named engine, and never another one in its place. */
async function loadNamed(name: EngineName, training: boolean): Promise<LoadedEngine> {
  const loaded = await open(name).catch((cause: unknown) => {
    const got = engineReasonOf(name, cause);
    const fields = { op: 'tfjs', expected: `the engine ${name}`, got, hint: hintOf(name, cause) };
    throw new BackendUnavailableError(fields, { cause });
  });
  if (training && !loaded.report.canTrain) {
    const kernels = missingKernels(loaded.tf, loaded.report.backend).join(', ');
    throw new BackendUnavailableError({
      op: 'tfjs',
      expected: 'an engine that can train',
      got: `${name}, which lacks the kernels ${kernels}`,
      hint: `Use cpu: ${hintOf('cpu')}`,
    });
  }
  return loaded;
}

/** Whether `auto` accepts an engine: a graphics processor, or one that does not claim to be one. */
const isAcceptable = ({ engine, isHardware, canTrain }: EngineReport, training: boolean): boolean =>
  (isHardware || engine === 'tfjs-node' || engine === 'wasm' || engine === 'cpu') && (canTrain || !training);

/**
 * Loads an engine of TensorFlow.js: the named one, or with `auto` the first that is available of tfjs-node-gpu on a CUDA
 * device, webgpu on a hardware adapter, tfjs-node, wasm (which cannot train) and cpu.
 *
 * @throws ParamError for an unknown name; BackendUnavailableError with the reason and a hint
 */
export async function loadEngine(name: EngineName | 'auto' = 'auto', { training = false } = {}): Promise<LoadedEngine> {
  if (name !== 'auto') {
    if (ENGINES.includes(name)) return loadNamed(name, training);
    throw new ParamError({ op: 'tfjs', expected: `auto, ${ENGINES.join(', ')}`, got: name });
  }
  const reasons: string[] = [];
  for (const candidate of ENGINES) {
    // In a process of its own: an engine that is rejected must not stay loaded in this one.
    const state = await probe(candidate);
    if (!state.available) reasons.push(state.reason);
    else if (isAcceptable(state, training)) return loadNamed(candidate, training);
    else {
      const reason = training && !state.canTrain ? 'cannot train' : `is not hardware: ${state.device}`;
      reasons.push(`${candidate} ${reason}`);
    }
  }
  throw new BackendUnavailableError({
    op: 'tfjs',
    expected: `an engine of TensorFlow.js${training ? ' that can train' : ''}`,
    got: reasons.join('; '),
    hint: hintOf('cpu'),
  });
}

/** The states of all engines, available or not. */
export const listEngines = (): Promise<EngineState[]> => Promise.all(ENGINES.map((name) => probe(name)));

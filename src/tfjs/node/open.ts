/** Opens an engine of TensorFlow.js in this process, or reports why it is not available. */
import type * as core from '@tensorflow/tfjs-core';
import { createRequire } from 'node:module';
import { messageOf } from '../../core/messageOf.js';
import { mendNodeUtil } from '../../runtime/nodeUtil.js';
import { describeEngine, type EngineName, type EngineReport } from '../engineReport.js';
import { requireGpu } from './gpu.js';
import { MissingEngineError, resolveAddon, resolvePackage } from './resolvePackage.js';

export type TensorFlow = typeof core;

export interface LoadedEngine {
  readonly tf: TensorFlow;
  readonly report: EngineReport;
}

/** An engine that is available, or the reason why it is not and the remedy. */
export type EngineState =
  | (EngineReport & { readonly available: true })
  | { readonly engine: EngineName; readonly available: false; readonly reason: string; readonly hint: string };

/** The npm package of an engine. */
interface EnginePackage {
  readonly name: string;
  /** How to install it, as a sentence. */
  readonly hint: string;
  /** The path of its main file. @throws MissingEngineError */
  locate(): string;
  open(path: string): Promise<TensorFlow>;
}

/** Loads a backend's package together with the tfjs-core that it registers itself in. */
function loadBackend(path: string): TensorFlow {
  const requireFrom = createRequire(path);
  const tf = requireFrom('@tensorflow/tfjs-core') as TensorFlow;
  // Otherwise TensorFlow.js prints advertisements for other packages to stderr.
  tf.enableProdMode();
  requireFrom(path);
  return tf;
}

async function activate(tf: TensorFlow, backend: string): Promise<TensorFlow> {
  // Only the result tells: after a failure `getBackend()` returns the new name just as well.
  if (!(await tf.setBackend(backend))) throw new Error(`its backend ${backend} does not start`);
  await tf.ready();
  // Otherwise small tensors are computed in JavaScript without notice.
  if (backend === 'webgpu') tf.env().set('WEBGPU_CPU_FORWARD', false);
  return tf;
}

const backendPackage = (backend: 'wasm' | 'cpu'): EnginePackage => {
  const name = `@tensorflow/tfjs-backend-${backend}`;
  return {
    name,
    hint: `Install it: npm install @tensorflow/tfjs-core ${name}.`,
    locate: () => resolvePackage(name),
    open: (path) => activate(loadBackend(path), backend),
  };
};

const addonPackage = (name: 'tfjs-node' | 'tfjs-node-gpu', flags: string): EnginePackage => ({
  name: `@tensorflow/${name}`,
  // The published package does not contain the script that builds the addon.
  hint: `Install it: npm install @tensorflow/${name}, or in a clone of the repository: npm run setup:tfjs-node${flags}.`,
  locate: () => resolveAddon(name),
  open(path) {
    mendNodeUtil();
    return activate(createRequire(path)(path) as TensorFlow, 'tensorflow');
  },
});

function refuseWebgl(): never {
  throw new MissingEngineError('Node has no WebGL');
}

const PACKAGES: Readonly<Record<EngineName, EnginePackage>> = {
  'tfjs-node-gpu': addonPackage('tfjs-node-gpu', ' -- --gpu'),
  webgpu: {
    name: '@tensorflow/tfjs-backend-webgpu',
    hint: 'Install it: npm install webgpu @tensorflow/tfjs-core @tensorflow/tfjs-backend-webgpu.',
    locate: () => resolvePackage('@tensorflow/tfjs-backend-webgpu'),
    async open(path) {
      await requireGpu();
      return activate(loadBackend(path), 'webgpu');
    },
  },
  webgl: {
    name: '@tensorflow/tfjs-backend-webgl',
    hint: 'Use it in a browser, with createTfjsBackend.',
    locate: refuseWebgl,
    open: refuseWebgl,
  },
  'tfjs-node': addonPackage('tfjs-node', ''),
  wasm: backendPackage('wasm'),
  cpu: backendPackage('cpu'),
};

/**
 * The error if another engine computes than the requested one. Both addons register the backend `tensorflow`, of which
 * a process has only one: the addon that was loaded first.
 */
function wrongEngine(name: EngineName, { engine, device }: EngineReport): MissingEngineError {
  const { name: packageName } = PACKAGES[name];
  return name === 'tfjs-node-gpu'
    ? new MissingEngineError(
        `${packageName} is installed, but finds no CUDA device or libraries, or TensorFlow was loaded before it`,
        'See docs/tfjs-node.md in the repository for the versions of CUDA and cuDNN.',
      )
    : new MissingEngineError(
        `${packageName} is installed, but the active engine is ${engine} on ${device}`,
        `Use ${engine}, or start ${name} in a new process with CUDA_VISIBLE_DEVICES=.`,
      );
}

/** The path of an engine's package, which is not loaded. @throws MissingEngineError */
export const locate = (name: EngineName): string => PACKAGES[name].locate();

/** @throws MissingEngineError, or any error of the engine's package */
export async function open(name: EngineName): Promise<LoadedEngine> {
  const tf = await PACKAGES[name].open(locate(name));
  const report = describeEngine(tf);
  if (report.engine !== name) throw wrongEngine(name, report);
  return { tf, report };
}

/** Why an engine could not be opened: it is not installed, or its package failed to load. */
export function engineReasonOf(name: EngineName, error: unknown): string {
  if (error instanceof MissingEngineError) return error.message;
  return `${PACKAGES[name].name} is installed, but does not load: ${messageOf(error).split('\n')[0]}`;
}

/** How to get an engine that could not be opened. */
export const hintOf = (name: EngineName, error?: unknown): string =>
  error instanceof MissingEngineError && error.hint !== undefined ? error.hint : PACKAGES[name].hint;

/** The state of an engine that could not be opened. */
export const unavailableState = (engine: EngineName, error: unknown): EngineState => ({
  engine,
  available: false,
  reason: engineReasonOf(engine, error),
  hint: hintOf(engine, error),
});

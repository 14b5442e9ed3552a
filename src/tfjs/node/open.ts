/** Opens an engine of TensorFlow.js in this process, and tells why where it cannot. */
import type * as core from '@tensorflow/tfjs-core';
import { createRequire } from 'node:module';
import { messageOf } from '../../core/messageOf.js';
import { mendNodeUtil } from '../../runtime/nodeUtil.js';
import { describeEngine, type EngineName, type EngineReport } from '../engineReport.js';
import { find, findAddon, Missing } from './find.js';
import { requireGpu } from './gpu.js';

export type TensorFlow = typeof core;

export interface LoadedEngine {
  readonly tf: TensorFlow;
  readonly report: EngineReport;
}

/** An engine that is there, or why it is not and what would change that. */
export type EngineState =
  | (EngineReport & { readonly available: true })
  | { readonly engine: EngineName; readonly available: false; readonly reason: string; readonly remedy: string };

/** What makes TensorFlow.js an engine. */
interface EnginePackage {
  readonly package: string;
  readonly remedy: string;
  /** Where that is. @throws Missing */
  find(): string;
  open(path: string): Promise<TensorFlow>;
}

/** A backend's package with the core that it registers itself in. */
function withCore(path: string): TensorFlow {
  const own = createRequire(path);
  const tf = own('@tensorflow/tfjs-core') as TensorFlow;
  // Without this it recommends other packages on stderr.
  tf.enableProdMode();
  own(path);
  return tf;
}

async function select(tf: TensorFlow, name: string): Promise<TensorFlow> {
  // Afterwards `getBackend()` names an engine that has failed just as well.
  if (!(await tf.setBackend(name))) throw new Error(`its engine ${name} does not start`);
  await tf.ready();
  // Small tensors would otherwise be computed in JavaScript, unseen.
  if (name === 'webgpu') tf.env().set('WEBGPU_CPU_FORWARD', false);
  return tf;
}

const plain = (engine: 'wasm' | 'cpu'): EnginePackage => {
  const name = `@tensorflow/tfjs-backend-${engine}`;
  return {
    package: name,
    remedy: `npm install @tensorflow/tfjs-core ${name}`,
    find: () => find(name),
    open: (path) => select(withCore(path), engine),
  };
};

const addon = (name: 'tfjs-node' | 'tfjs-node-gpu', flags: string): EnginePackage => ({
  package: `@tensorflow/${name}`,
  // The package itself is published without what builds them.
  remedy: `npm install @tensorflow/${name}, or in a clone of the repository npm run setup:tfjs-node${flags}`,
  find: () => findAddon(name),
  open(path) {
    mendNodeUtil();
    return select(createRequire(path)(path) as TensorFlow, 'tensorflow');
  },
});

function noWebgl(): never {
  throw new Missing('Node has no WebGL');
}

const PACKAGES: Readonly<Record<EngineName, EnginePackage>> = {
  'tfjs-node-gpu': addon('tfjs-node-gpu', ' -- --gpu'),
  webgpu: {
    package: '@tensorflow/tfjs-backend-webgpu',
    remedy: 'npm install webgpu @tensorflow/tfjs-core @tensorflow/tfjs-backend-webgpu',
    find: () => find('@tensorflow/tfjs-backend-webgpu'),
    async open(path) {
      await requireGpu();
      return select(withCore(path), 'webgpu');
    },
  },
  webgl: {
    package: '@tensorflow/tfjs-backend-webgl',
    remedy: 'run it in a browser, with createTfjsBackend',
    find: noWebgl,
    open: noWebgl,
  },
  'tfjs-node': addon('tfjs-node', ''),
  wasm: plain('wasm'),
  cpu: plain('cpu'),
};

/** Both packages of Node register one name in what a process has only once: the second to come is not heard. */
function otherThan(name: EngineName, { engine, device }: EngineReport): Missing {
  const { package: wanted } = PACKAGES[name];
  return name === 'tfjs-node-gpu'
    ? new Missing(
        `${wanted} is installed, but finds no CUDA device, or not its libraries, or TensorFlow was loaded before it`,
        'see docs/tfjs-node.md in the repository for what it needs of CUDA and cuDNN',
      )
    : new Missing(
        `${wanted} is installed, but what computes is ${engine}, ${device}`,
        `ask for ${engine}, or for ${name} in a process where nothing else was loaded, with CUDA_VISIBLE_DEVICES=`,
      );
}

/** Looks for an engine's package, and no further. @throws Missing */
export const locate = (name: EngineName): string => PACKAGES[name].find();

/** @throws Missing, or whatever the engine's package throws */
export async function open(name: EngineName): Promise<LoadedEngine> {
  const tf = await PACKAGES[name].open(locate(name));
  const report = describeEngine(tf);
  if (report.engine !== name) throw otherThan(name, report);
  return { tf, report };
}

/** Why an engine could not be opened: not installed, or installed and what it said. */
export function reasonOf(name: EngineName, error: unknown): string {
  if (error instanceof Missing) return error.message;
  return `${PACKAGES[name].package} is installed, but does not load: ${messageOf(error).split('\n')[0]}`;
}

export const remedyOf = (name: EngineName, error?: unknown): string =>
  error instanceof Missing && error.remedy !== undefined ? error.remedy : PACKAGES[name].remedy;

/** An engine that could not be opened. */
export const absent = (engine: EngineName, error: unknown): EngineState => ({
  engine,
  available: false,
  reason: reasonOf(engine, error),
  remedy: remedyOf(engine, error),
});

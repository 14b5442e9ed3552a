/** The engines of TensorFlow.js that this Node has: found, loaded, and asked what they are. */
import type * as core from '@tensorflow/tfjs-core';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as util from 'node:util';
import { BackendUnavailableError, ParamError } from '../../core/errors.js';
import { mendNodeUtil } from '../../platform/nodeUtil.js';
import { describeEngine, ENGINES, type EngineName, type EngineReport } from '../engineReport.js';
import { missingKernels } from '../tf.js';

export type TensorFlow = typeof core;

export interface LoadedEngine {
  readonly tf: TensorFlow;
  readonly report: EngineReport;
}

/** An engine that is there, or why it is not and what would change that. */
export type EngineState =
  | (EngineReport & { readonly available: true })
  | { readonly engine: EngineName; readonly available: false; readonly reason: string; readonly remedy: string };

/** Why an engine is not there, and what would change that where it is not the package's installation. */
class Missing extends Error {
  constructor(
    reason: string,
    readonly remedy?: string,
  ) {
    super(reason);
  }
}

interface Recipe {
  /** The package that makes it an engine. */
  readonly package: string;
  readonly remedy: string;
  open(find: Find): Promise<TensorFlow>;
}

/** Where a package is, from one of the folders. @throws Missing */
type Find = (name: string) => string;

/** The package's own folder. */
const HOME = dirname(createRequire(import.meta.url).resolve('vanillanet/package.json'));

/** Folders whose packages count: one that is named, the one we are in, and our own. */
const folders = (): string[] => [
  ...(process.env['VANILLANET_ENGINES'] === undefined ? [] : [process.env['VANILLANET_ENGINES']]),
  process.cwd(),
  HOME,
];

const requireIn = (folder: string): NodeJS.Require => createRequire(join(folder, 'package.json'));

/** Whether a package lies there, whole or not. */
const lies = (folder: string, name: string): boolean =>
  (requireIn(folder).resolve.paths(name) ?? []).some((path) => existsSync(join(path, name, 'package.json')));

const find: Find = (name) => {
  for (const folder of folders()) {
    try {
      return requireIn(folder).resolve(name);
    } catch (error) {
      // Not there, perhaps in the next; but one that lies there in parts is to be told.
      if (lies(folder, name)) throw error;
    }
  }
  throw new Missing(`${name} is not installed`);
};

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

interface Gpu {
  readonly requestAdapter: () => Promise<unknown>;
}

/** WebGPU, which Node has only by a package; it must be there before the backend is loaded. */
async function provideGpu(locate: Find): Promise<void> {
  const scope = globalThis as { navigator?: { gpu?: Gpu } };
  if (scope.navigator?.gpu === undefined) {
    const { create, globals } = (await import(pathToFileURL(locate('webgpu')).href)) as {
      readonly create: (options: readonly string[]) => Gpu;
      readonly globals: object;
    };
    Object.assign(globalThis, globals);
    const navigator = Object.assign(Object.create(scope.navigator ?? null) as object, { gpu: create([]) });
    Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true });
  }
  const adapter = await scope.navigator?.gpu?.requestAdapter();
  if (adapter == null) {
    const driver = 'a driver for Vulkan, Metal or Direct3D 12';
    const software = "Debian's chromium and libvulkan1 with VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json";
    throw new Missing(
      `webgpu is installed, but finds no adapter: there is no ${driver}`,
      `install ${driver}; for one in software, ${software}`,
    );
  }
}

/** Where `npm run setup:tfjs-node` puts what it has built and checked. */
const builtHere = (name: string): string => join(HOME, 'engines', name, 'built', 'index.cjs');

async function tensorflow(name: 'tfjs-node' | 'tfjs-node-gpu'): Promise<TensorFlow> {
  // A folder that is named comes before what was built.
  const built = process.env['VANILLANET_ENGINES'] === undefined && existsSync(builtHere(name));
  const path = built ? builtHere(name) : find(`@tensorflow/${name}`);
  mendNodeUtil();
  const tf = createRequire(path)(path) as TensorFlow;
  return select(tf, 'tensorflow');
}

const plain = (engine: 'wasm' | 'cpu'): Recipe => {
  const name = `@tensorflow/tfjs-backend-${engine}`;
  return {
    package: name,
    remedy: `npm install @tensorflow/tfjs-core ${name}`,
    open: (locate) => select(withCore(locate(name)), engine),
  };
};

const RECIPES: Readonly<Record<EngineName, Recipe>> = {
  'tfjs-node-gpu': {
    package: '@tensorflow/tfjs-node-gpu',
    remedy: 'npm install @tensorflow/tfjs-node-gpu, or npm run setup:tfjs-node -- --gpu',
    async open() {
      const tf = await tensorflow('tfjs-node-gpu');
      if (describeEngine(tf).isHardware) return tf;
      throw new Missing(
        '@tensorflow/tfjs-node-gpu is installed, but finds no CUDA device, or not its libraries',
        'see docs/tfjs-node.md for what it needs of CUDA and cuDNN',
      );
    },
  },
  webgpu: {
    package: '@tensorflow/tfjs-backend-webgpu',
    remedy: 'npm install webgpu @tensorflow/tfjs-core @tensorflow/tfjs-backend-webgpu',
    async open(locate) {
      const path = locate('@tensorflow/tfjs-backend-webgpu');
      await provideGpu(locate);
      return select(withCore(path), 'webgpu');
    },
  },
  webgl: {
    package: '@tensorflow/tfjs-backend-webgl',
    remedy: 'run it in a browser, with createTfjsBackend',
    open: () => Promise.reject(new Missing('Node has no WebGL')),
  },
  'tfjs-node': {
    package: '@tensorflow/tfjs-node',
    remedy: 'npm install @tensorflow/tfjs-node, or npm run setup:tfjs-node',
    open: () => tensorflow('tfjs-node'),
  },
  wasm: plain('wasm'),
  cpu: plain('cpu'),
};

/** Loads an engine. @throws Missing, or whatever its package throws */
async function open(name: EngineName): Promise<LoadedEngine> {
  const tf = await RECIPES[name].open(find);
  return { tf, report: describeEngine(tf) };
}

/** Why an engine could not be opened: not installed, or installed and what it said. */
function reasonOf(name: EngineName, error: unknown): string {
  if (error instanceof Missing) return error.message;
  const said = error instanceof Error ? error.message : util.inspect(error);
  return `${RECIPES[name].package} is installed, but does not load: ${said.split('\n')[0]}`;
}

const remedyOf = (name: EngineName, error: unknown): string =>
  error instanceof Missing && error.remedy !== undefined ? error.remedy : RECIPES[name].remedy;

const refusal = (expected: string, reason: string, remedy: string, cause?: unknown): BackendUnavailableError =>
  new BackendUnavailableError({ op: 'tfjs', expected, got: `${reason}; to have it: ${remedy}` }, { cause });

/** One that is named is that or an error: nothing else is used in its place. */
async function loadNamed(name: EngineName, training: boolean): Promise<LoadedEngine> {
  const loaded = await open(name).catch((error: unknown) => {
    throw refusal(`the engine ${name}`, reasonOf(name, error), remedyOf(name, error), error);
  });
  if (training && !loaded.report.canTrain) {
    const lacks = missingKernels(loaded.tf, loaded.report.backend).join(', ');
    throw refusal('an engine that trains', `${name}, whose package has no ${lacks}`, RECIPES.cpu.remedy);
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
    try {
      const loaded = await open(candidate);
      if (worthIt(loaded.report, training)) return loaded;
      const { canTrain, device } = loaded.report;
      reasons.push(`${candidate}: ${training && !canTrain ? 'it does not train' : `it is no hardware, but ${device}`}`);
    } catch (error) {
      reasons.push(reasonOf(candidate, error));
    }
  }
  throw refusal(`an engine of TensorFlow.js${training ? ' that trains' : ''}`, reasons.join('; '), RECIPES.cpu.remedy);
}

/** All engines, there or not. */
export async function listEngines(): Promise<EngineState[]> {
  const states: EngineState[] = [];
  for (const engine of ENGINES) {
    try {
      const { report } = await open(engine);
      states.push({ ...report, engine, available: true });
    } catch (error) {
      states.push({ engine, available: false, reason: reasonOf(engine, error), remedy: remedyOf(engine, error) });
    }
  }
  return states;
}

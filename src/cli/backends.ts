import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Backend } from '../core/backend.js';
import { referenceBackend } from '../oracle/backend.js';
import { ENGINES, type EngineName } from '../tfjs/engineReport.js';
import type { TfjsBackend } from '../entries/tfjs.js';
import { createWasmBackend, wasmBackend } from '../wasm/inference/backend.js';
import type { BuildChoice } from '../wasm/build.js';
import { MAX_THREADS, threadCount, type Threads } from '../wasm/team.js';
import { printText } from './print.js';

export const BUILDS: readonly BuildChoice[] = ['auto', 'plain', 'relaxed'];

export interface BackendOptions {
  readonly backend: string;
  readonly threads: Threads;
  readonly build: BuildChoice;
}

/** A number of threads, or `auto`. */
export function threadsArgument(text: string): Threads {
  const count = Number(text);
  if (text === 'auto') return text;
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_THREADS) return count;
  throw new InvalidArgumentError(`Expected an integer from 1 to ${MAX_THREADS}, or 'auto'.`);
}

export const buildOption = (): Option =>
  new Option('--build <build>', 'WebAssembly build').choices(BUILDS).default('auto');

/** The engine of a backend named `tfjs` or `tfjs:<engine>`. Null for other backends. */
export function engineOf(backend: string): EngineName | 'auto' | null {
  if (backend === 'tfjs') return 'auto';
  return ENGINES.find((name) => backend === `tfjs:${name}`) ?? null;
}

function backendName(text: string): string {
  const names = [wasmBackend.name, referenceBackend.name];
  if (names.includes(text) || engineOf(text) !== null) return text;
  throw new InvalidArgumentError(
    `Allowed choices are ${names.join(', ')}, tfjs, tfjs:<engine>; see vanillanet engines.`,
  );
}

export const backendOption = (flags = '-b, --backend <name>'): Option =>
  new Option(flags, 'backend: wasm, reference, tfjs or tfjs:<engine>').argParser(backendName).default(wasmBackend.name);

/** Adds the options that choose the backend. The default is WebAssembly on every core. */
export const withBackend = (command: Command, flags?: string): Command =>
  command
    .addOption(backendOption(flags))
    .option('--threads <n>', 'WebAssembly threads; auto for one a core', threadsArgument, 'auto')
    .addOption(buildOption());

/**
 * Loads TensorFlow.js with an engine.
 *
 * @throws BackendUnavailableError if the engine is missing, or fails its check
 */
export async function openTfjs(
  engine: EngineName | 'auto',
  { training = false }: { readonly training?: boolean } = {},
): Promise<TfjsBackend> {
  // Imported here, because TensorFlow.js takes long to load and other backends do not need it.
  const [{ loadEngine }, { createTfjsBackend }] = await Promise.all([
    import('../tfjs/node/engines.js'),
    import('../entries/tfjs.js'),
  ]);
  const { tf, report } = await loadEngine(engine, { training });
  if (engine === 'auto') printText(process.stderr, `tfjs: ${report.engine}, ${report.device}`);
  // TensorFlow.js has one name for tfjs-node and tfjs-node-gpu.
  return { ...createTfjsBackend(tf), name: `tfjs:${report.engine}` };
}

/**
 * Says on stderr that fewer threads are used than the option has.
 *
 * @throws BackendUnavailableError for more than one thread in a runtime without threads
 */
export function noteThreads(threads: Threads): void {
  const used = threadCount(threads);
  if (threads === 'auto' || used === threads) return;
  const cores = used === 1 ? 'one, which is what this machine runs' : `${used}, as many as this machine runs`;
  printText(process.stderr, `--threads ${threads}: using ${cores} at the same time`);
}

/** @throws BackendUnavailableError if the backend is missing */
export async function openBackend({ backend, threads: count, build }: BackendOptions): Promise<Backend> {
  if (backend === referenceBackend.name) return referenceBackend;
  const engine = engineOf(backend);
  if (engine !== null) return openTfjs(engine);
  noteThreads(count);
  return createWasmBackend({ threads: count, build });
}

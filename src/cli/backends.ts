import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Backend } from '../core/backend.js';
import { referenceBackend } from '../oracle/backend.js';
import { ENGINES, type EngineName } from '../tfjs/engineReport.js';
import type { TfjsBackend } from '../entries/tfjs.js';
import { createWasmBackend, wasmBackend } from '../wasm/inference/backend.js';
import type { BuildChoice } from '../wasm/build.js';
import { MAX_THREADS, type Threads } from '../wasm/team.js';

export const BUILDS: readonly BuildChoice[] = ['auto', 'plain', 'relaxed'];

export interface BackendOptions {
  readonly backend: string;
  readonly threads: Threads;
  readonly build: BuildChoice;
}

/** `auto`, or a count. */
export function threads(text: string): Threads {
  const count = Number(text);
  if (text === 'auto') return text;
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_THREADS) return count;
  throw new InvalidArgumentError(`Expected an integer from 1 to ${MAX_THREADS}, or 'auto'.`);
}

export const buildOption = (): Option =>
  new Option('--build <build>', "WebAssembly's build: plain gives the same bits on every machine")
    .choices(BUILDS)
    .default('auto');

/** `tfjs`, or `tfjs:` and an engine's name: which engine that means. Null for another backend. */
export function engineOf(backend: string): EngineName | 'auto' | null {
  if (backend === 'tfjs') return 'auto';
  return ENGINES.find((name) => backend === `tfjs:${name}`) ?? null;
}

function backendName(text: string): string {
  const own = [wasmBackend.name, referenceBackend.name];
  if (own.includes(text) || engineOf(text) !== null) return text;
  throw new InvalidArgumentError(`Allowed choices are ${own.join(', ')}, tfjs, tfjs:<engine>; see vanillanet engines.`);
}

export const backendOption = (flags = '-b, --backend <name>'): Option =>
  new Option(flags, 'what computes the network: wasm, reference, tfjs or tfjs:<engine>')
    .argParser(backendName)
    .default(wasmBackend.name);

/** What computes the network, and how; WebAssembly on every core where nothing is given. */
export const withBackend = (command: Command, flags?: string): Command =>
  command
    .addOption(backendOption(flags))
    .option('--threads <n>', "WebAssembly's threads, or 'auto' for one a core", threads, 'auto')
    .addOption(buildOption());

/** @throws BackendUnavailableError for an engine that is not there, or does not do what it is for */
export async function openTfjs(
  engine: EngineName | 'auto',
  { training = false }: { readonly training?: boolean } = {},
): Promise<TfjsBackend> {
  // TensorFlow.js takes its time to load, which no other backend shall wait for.
  const [{ loadEngine }, { createTfjsBackend }] = await Promise.all([
    import('../tfjs/node/engines.js'),
    import('../entries/tfjs.js'),
  ]);
  const { tf, report } = await loadEngine(engine, { training });
  // Who leaves the choice to us is told what it was.
  if (engine === 'auto') process.stderr.write(`tfjs: ${report.engine}, ${report.device}\n`);
  // TensorFlow.js calls both packages of Node by one name.
  return { ...createTfjsBackend(tf), name: `tfjs:${report.engine}` };
}

/** @throws BackendUnavailableError for an engine that is not there */
export async function backendOf({ backend, threads: count, build }: BackendOptions): Promise<Backend> {
  if (backend === referenceBackend.name) return referenceBackend;
  const engine = engineOf(backend);
  return engine === null ? createWasmBackend({ threads: count, build }) : openTfjs(engine);
}

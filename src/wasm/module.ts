import { isDetached } from '../core/detached.js';
import { BackendUnavailableError } from '../core/errors.js';
import { messageOf } from '../core/messageOf.js';

/**
 * The parts of WebAssembly's JavaScript interface that are used here. TypeScript declares them only in `lib.dom`, which
 * would make all names of browsers available in code that runs everywhere.
 */
interface WebAssemblyInterface {
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<CompiledModule>;
  readonly Module: new (bytes: Uint8Array) => CompiledModule;
  readonly Memory: new (pages: { initial: number; maximum: number; shared: true }) => WasmMemory;
  readonly Instance: new (module: CompiledModule, imports: object) => { readonly exports: unknown };
  instantiate(module: CompiledModule, imports: object): Promise<{ readonly exports: unknown }>;
}

/** A `WebAssembly.Module`. `instanceof` cannot check this, because the module may come from another realm. */
export type CompiledModule = object;

/**
 * The two builds of assembly/. `plain` computes the same bits on every machine. `relaxed` needs relaxed SIMD and fuses
 * multiplications with additions if the machine can, which is faster and rounds once instead of twice.
 */
export type Build = 'plain' | 'relaxed';

/** The custom section of a module that holds the package's version. */
export const SECTION = 'vanillanet';

const PAGE = 2 ** 16;

/**
 * The module's bytes, a `Response` with them, or the compiled module, for runtimes that compile only modules deployed with
 * the program.
 */
export type WasmSource = Uint8Array | ArrayBuffer | CompiledModule;

/** Linear memory. `grow` detaches the buffer and all views of it, unless the memory is shared. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** What every module of this package exports. */
export interface ModuleExports {
  readonly memory: WasmMemory;
  /** Address where free memory begins. */
  heapBase(): number;
  /** 1 for the relaxed build, else 0. */
  isRelaxed(): number;
}

/**
 * The exports of assembly/inference/index.ts and of assembly/training/index.ts. Pointers are byte addresses on
 * multiples of 16, the rest are sizes. The module does not check its arguments.
 */
export interface ProgramExports extends ModuleExports {
  packLanes(
    panels: number,
    values: number,
    width: number,
    depth: number,
    lanes: number,
    first: number,
    last: number,
  ): void;
  runRegion(region: number, scratch: number, from: number, to: number): void;
  /** @returns `COMPLETE`, or the first region that is not done because a thread was lost: see assembly/shared/team.ts. */
  runProgram(program: number, scratch: number, first: number, last: number, mayWait: boolean): number;
  serve(program: number, scratch: number, self: number): void;
  stop(program: number): void;
}

/** A result of `runProgram`: all regions are done, and no thread was lost. */
export const COMPLETE = -1;

/** One of the package's modules: what it is for, and what it exports. */
export interface ModuleKind<Exports extends ModuleExports> {
  /** The name of a global that this module alone exports. */
  readonly name: 'inference' | 'training' | 'ops' | 'float64';
  readonly functions: readonly Exclude<keyof Exports & string, 'memory'>[];
}

/** The functions of `ProgramExports`. */
const PROGRAM_FUNCTIONS = [
  ...(['heapBase', 'isRelaxed', 'packLanes', 'runRegion', 'runProgram', 'serve', 'stop'] as const),
];

export const INFERENCE: ModuleKind<ProgramExports> = { name: 'inference', functions: PROGRAM_FUNCTIONS };
export const TRAINING: ModuleKind<ProgramExports> = { name: 'training', functions: PROGRAM_FUNCTIONS };

export const unavailable = (expected: string, got: string, cause?: unknown): BackendUnavailableError =>
  new BackendUnavailableError({ op: 'wasm', expected, got }, { cause });

const webAssembly = (): WebAssemblyInterface | undefined =>
  (globalThis as { WebAssembly?: WebAssemblyInterface }).WebAssembly;

/** The bytes of an ArrayBuffer or a view, of any realm; none of a detached one, and null for other values. */
export function bytesOf(source: unknown): Uint8Array | null {
  const isBuffer = Object.prototype.toString.call(source) === '[object ArrayBuffer]';
  if (!isBuffer && !ArrayBuffer.isView(source)) return null;
  const bytes = source as ArrayBuffer | ArrayBufferView;
  if (isDetached(bytes)) return new Uint8Array(0);
  // V8 takes no DataView.
  return ArrayBuffer.isView(bytes)
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}

/** Whether this runtime has all features that a module uses. True for a compiled module. */
export function validates(source: WasmSource): boolean {
  const bytes = bytesOf(source);
  return bytes === null || (webAssembly()?.validate(bytes) ?? false);
}

/** A module with two SIMD instructions: shows whether a runtime that rejects another module lacks SIMD. */
const SIMD = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

/**
 * Compiles a module, unless it is compiled already.
 *
 * @throws BackendUnavailableError if the runtime has no WebAssembly, has no SIMD or does not compile at run time, or if
 *   the bytes are not a module
 */
export async function compile(source: WasmSource): Promise<CompiledModule> {
  const WebAssembly = webAssembly();
  if (WebAssembly === undefined) throw unavailable('a runtime with WebAssembly', 'a runtime without WebAssembly');
  const bytes = bytesOf(source);
  if (bytes === null) return source;
  const isValid = WebAssembly.validate(bytes);
  if (!isValid && !validates(SIMD)) {
    throw unavailable('WebAssembly with 128-bit SIMD', 'a runtime that rejects the module');
  }
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    const expected = isValid
      ? 'a runtime that compiles WebAssembly from bytes, or a compiled module'
      : 'a complete module that runs here (relaxed.wasm needs relaxed SIMD)';
    throw unavailable(expected, messageOf(cause), cause);
  }
}

function isOfKind<Exports extends ModuleExports>(exports: unknown, kind: ModuleKind<Exports>): exports is Exports {
  const all = (exports ?? {}) as Readonly<Record<string, unknown>>;
  return kind.name in all && kind.functions.every((name) => typeof all[name] === 'function');
}

/** What a module with threads imports; a module for one thread has its own memory and imports nothing. */
const importsOf = (memory: WasmMemory | undefined): object =>
  memory === undefined ? {} : { env: { memory }, clock: { now: () => performance.now() } };

const refuseInstance = (cause: unknown): BackendUnavailableError =>
  unavailable('a module that can be instantiated here', messageOf(cause), cause);

function exportsOf<Exports extends ModuleExports>(kind: ModuleKind<Exports>, exports: unknown): Exports {
  if (isOfKind(exports, kind)) return exports;
  throw unavailable(`this package's module for ${kind.name}`, 'another module');
}

/**
 * Creates an instance of a module, with its own memory or, for a module with threads, with shared memory.
 *
 * @param kind which of the package's modules is expected
 * @throws BackendUnavailableError as `compile`, and if the module is not of this kind
 */
export async function instantiate<Exports extends ModuleExports>(
  kind: ModuleKind<Exports>,
  source: WasmSource,
  memory?: WasmMemory,
): Promise<Exports> {
  const module = await compile(source);
  let exports: unknown;
  try {
    exports = (await webAssembly()?.instantiate(module, importsOf(memory)))?.exports;
  } catch (cause) {
    throw refuseInstance(cause);
  }
  return exportsOf(kind, exports);
}

/**
 * Compiles a small module without waiting: some browsers refuse more than 4 KB.
 *
 * @throws BackendUnavailableError if the runtime refuses, or has no WebAssembly
 */
export function compileNow(bytes: Uint8Array): CompiledModule {
  const WebAssembly = webAssembly();
  if (WebAssembly === undefined) throw unavailable('a runtime with WebAssembly', 'a runtime without WebAssembly');
  try {
    return new WebAssembly.Module(bytes);
  } catch (cause) {
    throw unavailable('a runtime that compiles WebAssembly from bytes', messageOf(cause), cause);
  }
}

/**
 * Creates an instance of a compiled module without waiting. Browsers allow it for modules of a few MB.
 *
 * @throws BackendUnavailableError if the runtime refuses
 */
export function instantiateNow<Exports extends ModuleExports>(
  kind: ModuleKind<Exports>,
  module: CompiledModule,
  memory?: WasmMemory,
): Exports {
  const WebAssembly = webAssembly();
  if (WebAssembly === undefined) throw unavailable('a runtime with WebAssembly', 'a runtime without WebAssembly');
  let instance: { readonly exports: unknown };
  try {
    instance = new WebAssembly.Instance(module, importsOf(memory));
  } catch (cause) {
    throw refuseInstance(cause);
  }
  return exportsOf(kind, instance.exports);
}

/**
 * Allocates memory that threads share. It has its final size from the start.
 *
 * @throws BackendUnavailableError if the machine does not have enough memory
 */
export function sharedMemory(bytes: number): WasmMemory {
  const WebAssembly = webAssembly();
  if (WebAssembly === undefined) throw unavailable('a runtime with WebAssembly', 'a runtime without WebAssembly');
  const pages = Math.ceil(bytes / PAGE);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    throw unavailable(`${pages} pages of shared memory`, 'a machine that refused them', cause);
  }
}

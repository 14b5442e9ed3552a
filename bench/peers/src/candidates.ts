/** The runtimes that are measured. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RuntimeName } from './job.js';
import { PACKAGE, ROOT } from './paths.js';

export interface Candidate {
  readonly runtime: RuntimeName;
  readonly threads: number;
}

interface Runtime {
  /** Name in the tables. */
  readonly label: string;
  /** The package.json with its version; null if npm does not install it. */
  readonly manifest: string | null;
  /** Whether it runs native code instead of WebAssembly. Such runtimes are measured for scale only. */
  readonly native: boolean;
}

const installed = (name: string): string => join(PACKAGE, 'node_modules', name, 'package.json');

export const RUNTIMES: Record<RuntimeName, Runtime> = {
  vanillanet: { label: 'vanillanet', manifest: join(ROOT, 'package.json'), native: false },
  litert: { label: 'LiteRT.js', manifest: installed('@litertjs/core'), native: false },
  'onnxruntime-web': { label: 'onnxruntime-web', manifest: installed('onnxruntime-web'), native: false },
  tfjs: { label: 'tfjs-backend-wasm', manifest: installed('@tensorflow/tfjs-backend-wasm'), native: false },
  'onnxruntime-node': { label: 'onnxruntime-node', manifest: installed('onnxruntime-node'), native: true },
  pytorch: { label: 'PyTorch CPU', manifest: null, native: true },
};

export const isRuntime = (name: string): name is RuntimeName => name in RUNTIMES;

const THREADS = [1, 2];

/** In the order of measurement. This package comes first, because all ratios are relative to it. */
export const candidatesOf = (runtimes: readonly RuntimeName[]): Candidate[] =>
  THREADS.flatMap((threads) => runtimes.map((runtime) => ({ runtime, threads })));

/** The Python interpreter for PyTorch. */
export const PYTHON = process.env['VANILLANET_PYTHON'];

/** Why a candidate cannot run here, if that is known in advance; otherwise null. */
export function unavailable({ runtime, threads }: Candidate): string | null {
  if (runtime === 'pytorch' && PYTHON === undefined) return 'VANILLANET_PYTHON is not set to a Python with torch';
  if (threads === 1) return null;
  if (runtime === 'tfjs') return 'one thread in Node (tensorflow/tfjs#3830)';
  return null;
}

/** @returns null if only the runtime itself knows its version */
export async function versionAt(manifest: string | null): Promise<string | null> {
  if (manifest === null) return null;
  return (JSON.parse(await readFile(manifest, 'utf8')) as { version: string }).version;
}

export const versionOf = (runtime: RuntimeName): Promise<string | null> => versionAt(RUNTIMES[runtime].manifest);

/** What a machine reaches at most: the loops of assembly/bench/ceiling.ts, and the tile beside them. */
import { instantiate } from '@assemblyscript/loader';
import * as asc from 'assemblyscript/asc';
import type { Build } from '../src/wasm/build.js';
import type { WasmMemory } from '../src/wasm/module.js';

/** Exports of assembly/bench/ceiling.ts. */
export interface Ceiling {
  readonly memory: WasmMemory;
  readonly heapBase: () => number;
  readonly eightSums: (iterations: number, x: number, y: number) => number;
  readonly twelveSums: (iterations: number, x: number, y: number) => number;
  readonly gemm4x8: (c: number, rowBytes: number, a: number, b: number, k: number) => void;
  readonly gemm6x8: (
    four: number,
    two: number,
    rowBytes: number,
    aFour: number,
    aTwo: number,
    b: number,
    k: number,
  ) => void;
  readonly planes4x8: (
    low: number,
    high: number,
    rowBytes: number,
    a: number,
    b0: number,
    b1: number,
    k: number,
  ) => void;
}

/** Source by its path, or null: for whoever puts another in its place. */
export type ReadSource = (name: string, base: string) => Promise<string | null>;

/** Compiled here, because nothing of it is shipped; optimized as the shipped modules are. */
export async function compileCeiling(build: Build, readFile?: ReadSource): Promise<Uint8Array> {
  const outputs = new Map<string, string | Uint8Array>();
  const features = ['--enable', 'simd', ...(build === 'relaxed' ? ['--enable', 'relaxed-simd'] : [])];
  const flags = ['--runtime', 'stub', ...features, '--noAssert', '--use', 'abort=', '--disableWarning', '112'];
  const { error } = await asc.main(
    ['assembly/bench/ceiling.ts', '--outFile', 'ceiling.wasm', '--optimizeLevel', '3', ...flags],
    {
      stderr: process.stderr,
      ...(readFile === undefined ? {} : { readFile }),
      writeFile: (name, contents) => {
        outputs.set(name, contents);
      },
    },
  );
  const wasm = outputs.get('ceiling.wasm');
  if (error !== null || !(wasm instanceof Uint8Array)) throw error ?? new Error('no module came out');
  return wasm;
}

/** A module of `compileCeiling`, ready to run. */
export async function openCeiling(wasm: Uint8Array): Promise<Ceiling> {
  const { exports } = await instantiate<Record<keyof Ceiling, unknown>>(wasm);
  return exports as Ceiling;
}

export interface Part {
  readonly name: string;
  readonly macs: number;
  /** It runs all of these, which are timed one by one. */
  readonly steps: readonly (() => void)[];
}

/** Depth of the tile's blocks, which stay in L1: 4 kB and 8 kB. */
export const DEPTH = 256;

/** Addresses of the tile's blocks, in a memory that is large enough for them. */
export function placeTile({ memory, heapBase }: Ceiling): { c: number; a: number; b: number } {
  // Six rows of sums at most.
  const [c, a] = [heapBase(), heapBase() + 6 * 32];
  const b = a + 16 * DEPTH;
  const missing = b + 32 * DEPTH - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 2 ** 16));
  return { c, a, b };
}

/** A millisecond or two of each: loops over registers alone, the first of them with as many sums as a tile, and the tile. */
export function ceilingParts(ceiling: Ceiling): Part[] {
  const { eightSums, twelveSums, gemm4x8 } = ceiling;
  const { c, a, b } = placeTile(ceiling);
  const [calls, iterations, tiles] = [200, 4_000, 4_000];
  return [
    {
      name: 'eight sums',
      macs: 32 * calls * iterations,
      steps: [
        () => {
          for (let i = 0; i < calls; i++) eightSums(iterations, 0.5, 0.25);
        },
      ],
    },
    {
      name: 'twelve sums',
      macs: 48 * calls * iterations,
      steps: [
        () => {
          for (let i = 0; i < calls; i++) twelveSums(iterations, 0.5, 0.25);
        },
      ],
    },
    {
      name: 'tile in L1',
      macs: 32 * DEPTH * tiles,
      steps: [
        () => {
          for (let i = 0; i < tiles; i++) gemm4x8(c, 32, a, b, DEPTH);
        },
      ],
    },
  ];
}

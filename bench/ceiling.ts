/**
 * The highest rate of multiply-adds on this machine: loops of assembly/bench/ceiling.ts over registers, and the tiles.
 */
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

/** Reads a source file for the compiler; null if there is none. Tests replace files this way. */
export type ReadSource = (name: string, base: string) => Promise<string | null>;

/** Compiles assembly/bench/ceiling.ts, which is not shipped, with the options of the shipped modules. */
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
  if (error !== null || !(wasm instanceof Uint8Array))
    throw error ?? new Error('assembly/bench/ceiling.ts: the compiler wrote no module');
  return wasm;
}

/** Instantiates a module of `compileCeiling`. */
export async function openCeiling(wasm: Uint8Array): Promise<Ceiling> {
  const { exports } = await instantiate<Record<keyof Ceiling, unknown>>(wasm);
  return exports as Ceiling;
}

export interface Part {
  readonly name: string;
  readonly macs: number;
  /** The steps of one round, each timed separately. */
  readonly steps: readonly (() => void)[];
}

/** Depth of the tile's blocks: 4 kB and 8 kB, which stay in L1. */
export const DEPTH = 256;

/** Addresses of the tile's blocks. Grows the memory if needed. */
export function placeTile({ memory, heapBase }: Ceiling): { c: number; a: number; b: number } {
  // At most six rows of sums.
  const [c, a] = [heapBase(), heapBase() + 6 * 32];
  const b = a + 16 * DEPTH;
  const missing = b + 32 * DEPTH - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 2 ** 16));
  return { c, a, b };
}

/**
 * Loops over registers alone, about a millisecond or two each: one with as many sums as `gemm4x8` has, one with more.
 */
export function registerLoops({ eightSums, twelveSums }: Ceiling): Part[] {
  const [calls, iterations] = [200, 4_000];
  const loop = (name: string, sums: number, run: Ceiling['eightSums']): Part => ({
    name,
    macs: 4 * sums * calls * iterations,
    steps: [
      () => {
        for (let i = 0; i < calls; i++) run(iterations, 0.5, 0.25);
      },
    ],
  });
  return [loop('eight sums', 8, eightSums), loop('twelve sums', 12, twelveSums)];
}

/** The tiles that a build uses, on blocks that stay in L1; about a millisecond or two each. */
export function tileParts(ceiling: Ceiling, build: Build): Part[] {
  const { gemm4x8, gemm6x8, planes4x8 } = ceiling;
  const { c, a, b } = placeTile(ceiling);
  const tiles = 4_000;
  const part = (name: string, rows: number, run: () => void): Part => ({
    name: `${name} in L1`,
    macs: 8 * rows * DEPTH * tiles,
    steps: [
      () => {
        for (let i = 0; i < tiles; i++) run();
      },
    ],
  });
  const four = part('gemm4x8', 4, () => {
    gemm4x8(c, 32, a, b, DEPTH);
  });
  const six = part('gemm6x8', 6, () => {
    gemm6x8(c, c + 4 * 32, 32, a, a, b, DEPTH);
  });
  const planes = part('planes4x8', 4, () => {
    planes4x8(c, c + 16, 32, a, b, b + 16 * DEPTH, DEPTH);
  });
  return build === 'relaxed' ? [four, six, planes] : [four, planes];
}

/**
 * The inner loops must keep their sums in registers: if an edit, another compiler or another V8 moves them to memory,
 * every result stays right and takes twice as long. So the machine code itself is judged, which depends on neither load
 * nor speed of the machine. How fast the loops are is measured by `npm run bench -- engine`.
 */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { compileCeiling, DEPTH, openCeiling, placeTile, type Ceiling } from '../../bench/ceiling.js';
import type { Build } from '../../src/wasm/build.js';
import { BUILDS } from './builds.js';
import { faultyReader, type Fault } from './compile.js';
import { draw, uniform } from './draw.js';
import { machineCodeOf, obstacle, type VectorLoop } from './machineCode.js';

/** Sixteen steps in one basic block. V8 moves all loads of a block to its front: 96 vectors for 16 registers. */
function oneBasicBlock(): Fault {
  const source = readFileSync('assembly/shared/gemm4x8.ts', 'utf8');
  const [begin, end] = ['  for (;;) {\n', '    b += 4 * 32;\n'];
  const from = source.slice(source.indexOf(begin), source.indexOf(end));
  const [head, ...steps] = from.split('if (a == end) break;');
  expect(steps).toHaveLength(4);
  const four = [head.replace(begin, ''), ...steps].join('');
  return {
    file: 'shared/gemm4x8.ts',
    from,
    to: `${begin}${`{${four}b += 128;}`.repeat(4)}\nif (a == end) break;\nb -= 128;\n`,
  };
}

/** Stores and loads every sum of a tile in every step, like a compiler that has run out of registers. */
function sumsInMemory(file: string): Fault {
  const source = readFileSync(`assembly/${file}`, 'utf8');
  const from = source.slice(source.indexOf('  for (;;) {\n'), source.indexOf('  v128.store('));
  const sums = [...new Set(from.match(/\bc\d\d\b/g))];
  const loop = from.replace(/(c\d\d) = madd\(.*\);/g, (step, sum: string) => {
    const at = 16 * sums.indexOf(sum);
    return `${step} v128.store(spill, ${sum}, ${at}); ${sum} = v128.load(spill, ${at});`;
  });
  return { file, from, to: `const spill = memory.data(${16 * sums.length}, 16);\n${loop}` };
}

interface Tile {
  readonly file: string;
  readonly name: 'gemm4x8' | 'gemm6x8' | 'planes4x8';
  readonly rows: number;
  /** The builds that use the tile. */
  readonly builds: readonly Build[];
  readonly run: (ceiling: Ceiling, places: ReturnType<typeof placeTile>) => void;
}

const TILES: readonly Tile[] = [
  {
    file: 'shared/gemm4x8.ts',
    name: 'gemm4x8',
    rows: 4,
    builds: ['plain', 'relaxed'],
    run: ({ gemm4x8 }, { c, a, b }) => {
      gemm4x8(c, 32, a, b, DEPTH);
    },
  },
  {
    file: 'shared/gemm6x8.ts',
    name: 'gemm6x8',
    rows: 6,
    builds: ['relaxed'],
    run: ({ gemm6x8 }, { c, a, b }) => {
      gemm6x8(c, c + 4 * 32, 32, a, a, b, DEPTH);
    },
  },
  {
    file: 'training/planes4x8.ts',
    name: 'planes4x8',
    rows: 4,
    builds: ['plain', 'relaxed'],
    run: ({ planes4x8 }, { c, a, b }) => {
      planes4x8(c, c + 16, 32, a, b, b + 16 * DEPTH, DEPTH);
    },
  },
];

/** The product of two random blocks, computed by a tile. */
function product(ceiling: Ceiling, { rows, run }: Tile): Float32Array {
  const places = placeTile(ceiling);
  const floats = new Float32Array(ceiling.memory.buffer);
  floats.set(draw([4 * DEPTH], uniform(1)).data, places.a / 4);
  floats.set(draw([8 * DEPTH], uniform(2)).data, places.b / 4);
  run(ceiling, places);
  return floats.slice(places.c / 4, places.c / 4 + 8 * rows);
}

const isSound = ({ spills, stores }: VectorLoop): boolean => spills === 0 && stores === 0;

/** The inner loops of a tile. */
function loopsOf(wasm: Uint8Array, { name }: Tile): readonly VectorLoop[] {
  const { loops, exports } = machineCodeOf(wasm);
  const own = loops.get(exports.get(name) ?? -1) ?? [];
  // One step of k at least.
  expect(own.length).toBeGreaterThan(0);
  return own;
}

const reason = obstacle();
if (reason !== null) process.stderr.write(`SKIPPED the judge of machine code: ${reason}\n`);
const describeCode = reason === null ? describe : describe.skip;

describeCode.each(BUILDS)(`%s${reason === null ? '' : ` (${reason})`}`, (build: Build) => {
  const tiles = TILES.filter(({ builds }) => builds.includes(build));

  test.each(tiles)('$file keeps its sums in registers', async (tile) => {
    const loops = loopsOf(await compileCeiling(build), tile);
    for (const loop of loops) expect(loop.multiplications).toBeGreaterThanOrEqual(2 * tile.rows);
    expect(loops.filter((loop) => !isSound(loop))).toEqual([]);
  });

  test('so does every loop of the shipped module for inference', () => {
    const wasm = readFileSync(`dist/wasm/${build}.wasm`);
    const loops = [...machineCodeOf(wasm).loops.values()].flat();
    // Of the matrix product, the depthwise convolution and the classifier.
    const sizes = loops.map(({ multiplications }) => multiplications);
    expect(sizes.filter((size) => size % 8 === 0).length).toBeGreaterThanOrEqual(2);
    expect(sizes.filter((size) => size % 7 === 0).length).toBeGreaterThanOrEqual(1);
    expect(loops.filter((loop) => !isSound(loop))).toEqual([]);
  });

  test.each([
    ...tiles.map((tile) => ({ fault: 'its sums in memory', tile, change: sumsInMemory(tile.file) })),
    { fault: 'all steps in one basic block', tile: TILES[0], change: oneBasicBlock() },
  ])('detects $tile.file with $fault, although its result is the same', async ({ tile, change }) => {
    const sound = await compileCeiling(build);
    const spilling = await compileCeiling(build, await faultyReader(change));
    expect(product(await openCeiling(spilling), tile)).toEqual(product(await openCeiling(sound), tile));
    expect(loopsOf(spilling, tile).filter((loop) => !isSound(loop))).not.toEqual([]);
  });
});

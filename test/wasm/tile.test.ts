/**
 * Tiles must keep their sums in registers: where they are spilled to memory,
 * by an edit, another compiler or another V8, every answer stays right and takes
 * twice as long. So they are held against loops over registers alone, timed in turns
 * with them: noise only ever slows, and the fastest of many short rounds of each is
 * what the machine can do.
 */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { ceilingParts, compileCeiling, DEPTH, openCeiling, placeTile, type Ceiling } from '../../bench/ceiling.js';
import { resolveConfig } from '../../src/core/config.js';
import { streamOf } from '../../src/core/weights.js';
import type { Build } from '../../src/wasm/build.js';
import { sourceOf } from '../../src/wasm/inference/build.js';
import { planLayout } from '../../src/wasm/inference/layout.js';
import { INFERENCE, instantiate } from '../../src/wasm/module.js';
import { loadNetwork } from '../../src/wasm/inference/network.js';
import { BUILDS } from './builds.js';
import { faultyReader, type Fault } from './compile.js';
import { draw, uniform } from './draw.js';
import { drawState } from './networks.js';

/**
 * Share of the register loops between a sound tile and one that spills. Spills are
 * about as many instructions again as the arithmetic: from a half to seven tenths
 * were measured with them, depending on V8, and nine tenths without.
 */
const ENOUGH = 3 / 4;
/** Rounds before which nothing is decided, as compilers are still at work, and after which nothing will change. */
const [FEWEST, MOST] = [60, 1000];

interface Timed {
  readonly macs: number;
  readonly run: () => void;
}

/**
 * Of what the faster loop reaches (the other waits for its own results on some
 * machines), the share that the work reaches: as soon as it is enough, or when all
 * rounds are over.
 */
function shareOf(work: Timed, loops: readonly Timed[], rounds = MOST): number {
  const timed = [work, ...loops];
  const fastest = timed.map(() => Infinity);
  let share = 0;
  for (let round = 0; round < rounds; round++) {
    timed.forEach(({ run }, i) => {
      const start = performance.now();
      run();
      fastest[i] = Math.min(fastest[i], performance.now() - start);
    });
    const [rate, ...peaks] = timed.map(({ macs }, i) => macs / fastest[i]);
    share = rate / Math.max(...peaks);
    if (round >= FEWEST && share >= ENOUGH) break;
  }
  return share;
}

/** Sixteen steps in one basic block, whose loads V8 moves to its front: 96 vectors for 16 registers. */
function spilling(): Fault {
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

/** Every sum of a tile stored and loaded again step by step, as a compiler does that has no register left for it. */
function spillingSums(file: string): Fault {
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
  readonly rows: number;
  /** The plain build has no use for some. */
  readonly builds: readonly Build[];
  readonly run: (ceiling: Ceiling, places: ReturnType<typeof placeTile>) => void;
}

const TILES: readonly Tile[] = [
  {
    file: 'shared/gemm4x8.ts',
    rows: 4,
    builds: ['plain', 'relaxed'],
    run: ({ gemm4x8 }, { c, a, b }) => {
      gemm4x8(c, 32, a, b, DEPTH);
    },
  },
  {
    file: 'shared/gemm6x8.ts',
    rows: 6,
    builds: ['relaxed'],
    run: ({ gemm6x8 }, { c, a, b }) => {
      gemm6x8(c, c + 4 * 32, 32, a, a, b, DEPTH);
    },
  },
  {
    file: 'training/planes4x8.ts',
    rows: 4,
    builds: ['plain', 'relaxed'],
    run: ({ planes4x8 }, { c, a, b }) => {
      planes4x8(c, c + 16, 32, a, b, b + 16 * DEPTH, DEPTH);
    },
  },
];

/** What a tile makes of drawn blocks. */
function product(ceiling: Ceiling, { rows, run }: Tile): Float32Array {
  const places = placeTile(ceiling);
  const floats = new Float32Array(ceiling.memory.buffer);
  floats.set(draw([4 * DEPTH], uniform(1)).data, places.a / 4);
  floats.set(draw([8 * DEPTH], uniform(2)).data, places.b / 4);
  run(ceiling, places);
  return floats.slice(places.c / 4, places.c / 4 + 8 * rows);
}

/** Four thousand of a tile, and the loops beside it. */
function partsOf(ceiling: Ceiling, { rows, run }: Tile = TILES[0]): { tile: Timed; loops: Timed[] } {
  const [eight, twelve] = ceilingParts(ceiling).map(({ macs, steps: [step] }) => ({ macs, run: step }));
  const places = placeTile(ceiling);
  const times = 4000;
  const tile = {
    macs: 8 * rows * DEPTH * times,
    run: () => {
      for (let i = 0; i < times; i++) run(ceiling, places);
    },
  };
  return { tile, loops: [eight, twelve] };
}

describe.each(BUILDS)('%s', (build: Build) => {
  const tiles = TILES.filter(({ builds }) => builds.includes(build));

  test.each(tiles)('$file spills nothing', async (given) => {
    const { tile, loops } = partsOf(await openCeiling(await compileCeiling(build)), given);
    expect(shareOf(tile, loops)).toBeGreaterThanOrEqual(ENOUGH);
  });

  test('neither does the shipped module', async () => {
    const { loops } = partsOf(await openCeiling(await compileCeiling(build)));
    // One panel of a stage that is little else than the tile: deep, not pooled, activated by a single tap.
    const sizes = { dims: [512, 8], strides: [1], num_classes: 1, act_num: 0, input_size: 24 };
    const config = resolveConfig({ ...sizes, form: 'deploy' });
    const kernels = await instantiate(INFERENCE, sourceOf(build));
    const network = await loadNetwork(kernels, config, planLayout(config), streamOf(drawState(config)));
    const stage = network.layout.regions[2];
    expect(stage).toMatchObject({ name: 'stages.0', panels: 1 });
    const times = 150;
    const run = (): void => {
      for (let i = 0; i < times; i++) network.runPanels(stage, 0, 1);
    };
    network.run();
    expect(shareOf({ macs: times * stage.macs, run }, loops)).toBeGreaterThanOrEqual(ENOUGH);
  });

  test.each([
    ...tiles.map((given) => ({ how: `${given.file} with its sums in memory`, given, fault: spillingSums(given.file) })),
    { how: 'shared/gemm4x8.ts in one basic block', given: TILES[0], fault: spilling() },
  ])('$how is found, though its answer is the same', async ({ given, fault }) => {
    const sound = await openCeiling(await compileCeiling(build));
    const spilled = await openCeiling(await compileCeiling(build, await faultyReader(fault)));
    expect(product(spilled, given)).toEqual(product(sound, given));
    // As many rounds as the sound tile needs at least, and some.
    const { tile, loops } = partsOf(spilled, given);
    expect(shareOf(tile, loops, 3 * FEWEST)).toBeLessThan(ENOUGH);
  });
});

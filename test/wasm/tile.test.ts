/**
 * The 4x8 tile must keep its sums in registers: where they are spilled to memory,
 * by an edit, another compiler or another V8, every answer stays right and takes
 * twice as long. So it is held against loops over registers alone, timed in turns
 * with it: noise only ever slows, and the fastest of many short rounds of each is
 * what the machine can do.
 */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { ceilingParts, compileCeiling, DEPTH, openCeiling, placeTile, type Ceiling } from '../../bench/ceiling.js';
import { resolveConfig } from '../../src/core/config.js';
import { streamOf } from '../../src/core/weights.js';
import { sourceOf, type Build } from '../../src/wasm/build.js';
import { planLayout } from '../../src/wasm/layout.js';
import { instantiate } from '../../src/wasm/module.js';
import { loadNetwork } from '../../src/wasm/network.js';
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

/** The tile and the loops of a module. */
function partsOf(ceiling: Ceiling): { tile: Timed; loops: Timed[] } {
  const [eight, twelve, tile] = ceilingParts(ceiling).map(({ macs, steps: [run] }) => ({ macs, run }));
  return { tile, loops: [eight, twelve] };
}

/** Sixteen steps in one basic block, whose loads V8 moves to its front: 96 vectors for 16 registers. */
function spilling(): Fault {
  const source = readFileSync('assembly/tile4x8.ts', 'utf8');
  const [begin, end] = ['  for (;;) {\n', '    b += 4 * 32;\n'];
  const from = source.slice(source.indexOf(begin), source.indexOf(end));
  const [head, ...steps] = from.split('if (a == end) break;');
  expect(steps).toHaveLength(4);
  const four = [head.replace(begin, ''), ...steps].join('');
  return {
    file: 'tile4x8.ts',
    from,
    to: `${begin}${`{${four}b += 128;}`.repeat(4)}\nif (a == end) break;\nb -= 128;\n`,
  };
}

/** What the tile makes of drawn blocks. */
function product(ceiling: Ceiling): Float32Array {
  const { c, a, b } = placeTile(ceiling);
  const floats = new Float32Array(ceiling.memory.buffer);
  floats.set(draw([4 * DEPTH], uniform(1)).data, a / 4);
  floats.set(draw([8 * DEPTH], uniform(2)).data, b / 4);
  ceiling.tile4x8(c, 32, a, b, DEPTH);
  return floats.slice(c / 4, c / 4 + 32);
}

describe.each(BUILDS)('%s', (build: Build) => {
  test('the tile spills nothing', async () => {
    const { tile, loops } = partsOf(await openCeiling(await compileCeiling(build)));
    expect(shareOf(tile, loops)).toBeGreaterThanOrEqual(ENOUGH);
  });

  test('neither does the shipped module', async () => {
    const { loops } = partsOf(await openCeiling(await compileCeiling(build)));
    // One panel of a stage that is little else than the tile: deep, not pooled, activated by a single tap.
    const sizes = { dims: [512, 8], strides: [1], num_classes: 1, act_num: 0, input_size: 24 };
    const config = resolveConfig({ ...sizes, form: 'deploy' });
    const kernels = await instantiate(sourceOf(build));
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

  test('a tile that spills is found, though its answer is the same', async () => {
    const sound = await openCeiling(await compileCeiling(build));
    const spilled = await openCeiling(await compileCeiling(build, await faultyReader(spilling())));
    expect(product(spilled)).toEqual(product(sound));
    // As many rounds as the sound tile needs at least, and some.
    const { tile, loops } = partsOf(spilled);
    expect(shareOf(tile, loops, 3 * FEWEST)).toBeLessThan(ENOUGH);
  });
});

/** Tests the checks of the network: a stage with a deliberate fault must not pass. */
import { expect, test } from '@jest/globals';
import { resolveConfig } from '../../../src/core/config.js';
import { INFERENCE, instantiate } from '../../../src/wasm/module.js';
import { setPlanes } from '../../../src/wasm/inference/network.js';
import { compile, INFERENCE_ENTRY, type Fault } from '../compile.js';
import { draw, uniform } from '../draw.js';
import { loadGuarded } from './guardedNetwork.js';
import { drawState, NARROW } from '../networks.js';
import { allLayers, findStageMismatch } from './stages.js';

type Mutant = readonly [what: string, file: string, from: string, to: string];

// prettier-ignore
const MUTANTS: readonly Mutant[] = [
  ['no bias', 'inference/multiplyPanel.ts', 'const low = v128.load(bias);', 'const low = f32x4.splat(0);'],
  ['the depth after the first block skipped', 'inference/multiplyPanel.ts', 'k < depth; k += DEPTH', 'k < min(depth, DEPTH); k += DEPTH'],
  ['the weights of the first block used for all', 'inference/multiplyPanel.ts', 'weight += ROW_BYTES * DEPTH;', ''],
  ['the last group skipped', 'inference/multiplyPanel.ts', 'tile < end; tile', 'tile + 4 * ROW_BYTES < end; tile'],
  ['the weights one step behind', 'shared/gemm4x8.ts', 'b += 4 * 32;', 'b += 3 * 32;'],
  ['pixels transposed in the wrong order', 'shared/transpose4x4.ts', 'v128.shuffle<f32>(high01, high23, 2, 3, 6, 7)', 'v128.shuffle<f32>(high01, high23, 2, 3, 7, 6)'],

  ['no ReLU', 'inference/poolPanel.ts', 'relu(largestOfGroup(c))', 'largestOfGroup(c)'],
  ['no ReLU in stages without a pool', 'inference/poolPanel.ts', 'relu(v128.load(c, 16))', 'v128.load(c, 16)'],
  ['a pixel of the window left out', 'inference/poolPanel.ts', 'max(max(max(v128.load(c), v128.load(c, 32)), v128.load(c, 64)), v128.load(c, 96))', 'max(max(v128.load(c), v128.load(c, 32)), v128.load(c, 64))'],
  ['rows and columns mixed up', 'inference/poolPanel.ts', 'windowEnd(x, columns, w)', 'windowEnd(x, rows, w)'],
  ['the last row of the window left out', 'inference/poolPanel.ts', 'row < bottom; row', 'row + 32 * <usize>width < bottom; row'],
  ['rows as long as the windows', 'inference/poolPanel.ts', 'windowStart(y, rows, h) * width', 'windowStart(y, rows, h) * columns'],
  ['four channels twice', 'inference/poolPanel.ts', 'largestOfWindow(top + 16, bottom + 16', 'largestOfWindow(top, bottom'],

  ['left borders not cleared', 'shared/depthwisePlane.ts', 'memory.fill(plane, 0, leftBytes);', ''],
  ['right borders not cleared', 'shared/depthwisePlane.ts', 'memory.fill(plane + insideBytes, 0, rowBytes - insideBytes);', ''],
  ['a dropped tap', 'shared/depthwisePlane.ts', 'let j = kernel;', 'let j = max(1, kernel - 1);'],
  ['the last row of taps dropped', 'shared/depthwisePlane.ts', 'min(oy + n + 1, h)', 'min(oy + max(n, 1), h)'],
  ['the first taps used for rows at the top', 'shared/depthwisePlane.ts', '(top + n - oy) * kernel', '0 * kernel'],
  ['the last columns skipped', 'shared/depthwisePlane.ts', 'ox < w; ox += PASS', 'ox + PASS <= w; ox += PASS'],
  ['one of seven outputs wrong', 'shared/depthwisePlane.ts', 'y5 = madd(t, v128.load(x, 80), y5);', 'y5 = madd(t, v128.load(x, 64), y5);'],

  ['columns outside of the windows kept', 'inference/packPixels.ts', 'x + 2 <= w', 'x < w'],
  ['windows overlap', 'inference/packPixels.ts', 'upper += 32;', 'upper += 16;'],
  ['the last pixels left out', 'inference/packPixels.ts', 'for (; map < end; map += 64)', 'for (; map + 64 <= end; map += 64)'],

  ['a sum instead of a mean', 'inference/meanPlane.ts', 'f32x4.splat(<f32>size)', 'f32x4.splat(1)'],
  ['the last pixel left out', 'inference/meanPlane.ts', 'map < end; map', 'map + 16 < end; map'],

  ['rows outside of the image read', 'inference/packImage.ts', 'if (<u32>y >= <u32>image.h) return f32x4.splat(0);', ''],
  ['columns before the image read', 'inference/packImage.ts', 'x >= 0 && x + 4 <= w', 'x + 4 <= w'],
  ['a column at the edge dropped', 'inference/packImage.ts', 'if (<u32>(x + 3) < <u32>w)', 'if (false)'],
  ['the window of the previous pixel', 'inference/packImage.ts', 'y2 + i + skip2, x2)', 'y2 + i + skip2, x1)'],
  ['the first channel used for all', 'inference/packImage.ts', '(<usize>channel * image.h + y)', '(<usize>y)'],

  ['half of the products dropped', 'inference/linear.ts', 'f32x4.add(low, oddLow)', 'low'],
  ['no bias', 'inference/linear.ts', 'let low = v128.load(bias + at);', 'let low = f32x4.splat(0);'],
  ['the bias of the first panel used for all', 'inference/linear.ts', 'let high = v128.load(bias + at, 16);', 'let high = v128.load(bias, 16);'],

  ['the weights of the first panel used for all', 'inference/stage.ts', 'stage.weight + 32 * <usize>panel * stage.depth', 'stage.weight'],
  ['the activation of the first four channels used for all', 'inference/stage.ts', 'stage.actWeight + 16 * <usize>four * taps', 'stage.actWeight'],
  ['planes mixed up', 'inference/stage.ts', 'half ? high : low', 'half ? low : high'],
  ['the borders of one plane not cleared', 'inference/stage.ts', 'clearBorders(high, h, w, n);', ''],
  ['a mean instead of a map', 'inference/stage.ts', 'stage.order == PixelOrder.mean', 'stage.order != 1'],
];

const CASES = NARROW.map(({ sizes }) => {
  const config = resolveConfig({ ...sizes, form: 'deploy' });
  return { config, state: drawState(config), x: draw([1, config.in_chans, ...config.input_size], uniform(4)) };
});

/** Tiles of six pixels, as in the relaxed build, compiled without relaxed SIMD, which not every runtime supports. */
const SIX: Fault = { file: 'inference/multiplyPanel.ts', from: 'if (ASC_FEATURE_RELAXED_SIMD) {', to: 'if (true) {' };

// prettier-ignore
const SIX_MUTANTS: readonly Mutant[] = [
  ['the pixels of the second tile in the order of the first', 'inference/multiplyPanel.ts', 'a2, a1 + 8, weight', 'a1, a2 + 8, weight'],
  ['the last pair of pixels twice', 'inference/multiplyPanel.ts', 'a2, a1 + 8, weight', 'a2, a1, weight'],
  ['every fourth group skipped', 'inference/multiplyPanel.ts', 'tile += 12 * ROW_BYTES', 'tile += 16 * ROW_BYTES'],
  ['a step too few', 'shared/gemm6x8.ts', 'two + 16 * <usize>k', 'two + 16 * <usize>(k - 1)'],
  ['the weights one step behind', 'shared/gemm6x8.ts', 'b += 32;', 'b += 16;'],
  ['the pair of pixels one step behind', 'shared/gemm6x8.ts', 'two += 12;', 'two += 8;'],
  ['rows mixed up', 'shared/gemm6x8.ts', 'v128.store(c5, c50);', 'v128.store(c4, c50);'],
];

/** The first symptom of faulty kernels in any network; null if all pass. */
async function symptom(wasm: Uint8Array): Promise<string | null> {
  for (const { config, state, x } of CASES) {
    try {
      const { network, strayWrites } = await loadGuarded(await instantiate(INFERENCE, wasm), config, state);
      setPlanes(network, x.data);
      const layers = allLayers(network);
      const wrong = findStageMismatch(config, state, x, layers);
      if (wrong !== null) return wrong;
      // Stages take another path when their maps are read.
      network.run();
      if (layers.get('cls.2')?.data.join() !== network.logits.join()) return 'other logits when the maps are not read';
      if (strayWrites().length > 0) return `${strayWrites().length} words written between blocks`;
    } catch (trap) {
      if (trap instanceof Error && trap.name === 'RuntimeError') return trap.message;
      throw trap;
    }
  }
  return null;
}

test('kernels without a fault have no symptom', async () => {
  expect(await symptom(await compile('plain', INFERENCE_ENTRY))).toBeNull();
});

test.each(MUTANTS)('%s (%s)', async (_, file, from, to) => {
  const fault: Fault = { file, from, to };
  expect(await symptom(await compile('plain', INFERENCE_ENTRY, fault))).not.toBeNull();
});

test('tiles of six pixels give the same bits as tiles of four', async () => {
  const [four, six] = await Promise.all([compile('plain', INFERENCE_ENTRY), compile('plain', INFERENCE_ENTRY, SIX)]);
  for (const { config, state, x } of CASES) {
    const [expected, got] = await Promise.all(
      [four, six].map(async (wasm) => {
        const { network } = await loadGuarded(await instantiate(INFERENCE, wasm), config, state);
        setPlanes(network, x.data);
        return allLayers(network);
      }),
    );
    expect(got).toEqual(expected);
  }
});

test.each(SIX_MUTANTS)('six pixels per tile: %s (%s)', async (_, file, from, to) => {
  expect(await symptom(await compile('plain', INFERENCE_ENTRY, SIX, { file, from, to }))).not.toBeNull();
});

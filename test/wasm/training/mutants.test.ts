/** Tests the judges of the units: a kernel with a deliberate fault must not pass. */
import { expect, test } from '@jest/globals';
import { compile, TRAINING_ENTRY } from '../compile.js';
import { findAccumulationMismatch } from './accumulationJudge.js';
import { findAverageMismatch } from './averageJudge.js';
import { NETWORKS } from './chain.js';
import { findLossMismatch } from './lossJudge.js';
import { findOptimizerMismatch, STEPS } from './optimizerJudge.js';
import { findPassMismatch } from './pass.js';

type Mutant = readonly [what: string, file: string, from: string, to: string];

// prettier-ignore
const MUTANTS: readonly Mutant[] = [
  ['the weights one step behind', 'planes4x8.ts', 'b0 += 64;', 'b0 += 48;'],
  ['the first four columns twice', 'planes4x8.ts', 'y = v128.load(b1, 32);', 'y = v128.load(b0, 32);'],
  ['the depth after the first block skipped', 'conv2d.ts', 'k < depth; k += DEPTH', 'k < min(depth, DEPTH); k += DEPTH'],
  ['the pixels after the first block skipped', 'conv2d.ts', 'p < pixels; p += PIXELS', 'p < min(pixels, PIXELS); p += PIXELS'],
  ['gradients added to earlier ones', 'conv2d.ts', 'memory.fill(low, 0, 2 * rowBytes);', ''],
  ['no bias', 'conv2d.ts', 'v128.load(bias), v128.load(bias, 16)', 'v128.load(bias, 16), v128.load(bias, 16)'],
  ['the weight not transposed', 'conv2d.ts', 'conv.transposed + 16 * <usize>conv.k * block', 'conv.transposed'],
  ['padding pixels counted', 'conv2d.ts', 'const block = min(pixels - p, PIXELS);', 'const block = min(((pixels + 3) & ~3) - p, PIXELS);'],

  ['a variance of half the batch', 'batchNorm.ts', 'p + 2 <= pixels; p += 2', 'p + 2 <= pixels; p += 4'],
  ['the running variance biased', 'batchNorm.ts', 'f32x4.mul(variance, f32x4.splat(op.correction))', 'variance'],
  ['momentum of running statistics inverted', 'batchNorm.ts', 'const keep = f32x4.splat(1 - op.momentum);', 'const keep = f32x4.splat(op.momentum);'],
  ['ReLU for any slope', 'batchNorm.ts', 'v128.bitselect(v, f32x4.mul(lambda, v), f32x4.gt(v, zero))', 'f32x4.pmax(v, zero)'],
  ['no slope in the backward pass', 'batchNorm.ts', 'v128.bitselect(up, f32x4.mul(lambda, up), f32x4.gt(v128.load(y + p), zero));\n      v128.store(dy + p, g);', 'up;\n      v128.store(dy + p, g);'],
  ['statistics treated as constants', 'batchNorm.ts', 'f32x4.sub(v128.load(dy + p), viaStatistics)', 'v128.load(dy + p)'],
  ['the mean of the gradient not subtracted', 'batchNorm.ts', 'f32x4.add(perPixel, f32x4.mul(f32x4.sub', 'f32x4.add(zero, f32x4.mul(f32x4.sub'],
  ['no γ', 'batchNorm.ts', 'const scale = f32x4.mul(v128.load(op.weight + at), invStd);\n    const perPixel', 'const scale = invStd;\n    const perPixel'],

  ['no ReLU', 'maxPool2d.ts', 'f32x4.pmax(largest, zero)', 'largest'],
  ['gradients to every maximum', 'maxPool2d.ts', 'open = v128.andnot(open, here);', ''],
  ['overlaps overwritten', 'maxPool2d.ts', 'f32x4.add(v128.load(dx + at), v128.and(here, g))', 'v128.bitselect(g, v128.load(dx + at), here)'],
  ['earlier gradients not cleared', 'maxPool2d.ts', 'memory.fill(dx, 0, mapBytes * <usize>op.n);', ''],

  ['taps not flipped in the backward pass', 'depthwiseConv2d.ts', 'PIXEL * <usize>(taps - 1 - i)', 'PIXEL * <usize>i'],
  ['a row of taps too few', 'depthwiseConv2d.ts', 'min(h, h + n - i) - top', 'min(h, h + n - i) - top - 1'],
  ['taps after the seventh left out', 'depthwiseConv2d.ts', 'pass < passes; pass++', 'pass < 1; pass++'],
  ['only the first image', 'depthwiseConv2d.ts', 'x += mapBytes;\n      dy += mapBytes;', ''],
  ['sums of the previous panel not cleared', 'depthwiseConv2d.ts', 'memory.fill(sums, 0, sumRowBytes * <usize>kernel);', ''],

  ['a sum instead of a mean', 'globalAvgPool.ts', 'f32x4.div(sumPlane(x, op.size), size)', 'sumPlane(x, op.size)'],
  ['no dropout in the backward pass', 'globalAvgPool.ts', 'f32x4.mul(v128.load(op.dy + from), v128.load(op.mask + from))', 'v128.load(op.dy + from)'],
  ['no scaling in dropout', 'dropout.ts', '<f32>(1 / (1 - op.rate))', '<f32>1'],
  ['another random number', 'philox.ts', 'k1 += W1;', 'k1 += W0;'],
  ['the last pixels of a sum left out', 'sumPlane.ts', 'for (; p < pixels; p++)', 'for (; p < 0; p++)'],

  ['windows one row off', 'windows.ts', 'oy * op.stride - op.padding + i', 'oy * op.stride - op.padding + i + 1'],
  ['columns outside of the image read', 'windows.ts', 'column >= 0 && column + 4 <= w', 'column + 4 <= w'],

  ["the deploy form's bias forgotten", 'depthwiseConv2d.ts', 'op.bias == 0 ? scratch', 'true ? scratch'],
  ['a bias in the backward pass', 'depthwiseConv2d.ts', 'correlate(op, op.dx + at, op.dy + at, flipped, scratch, scratch)', 'correlate(op, op.dx + at, op.dy + at, flipped, op.bias == 0 ? scratch : op.bias, scratch)'],
  ["the bias' gradient that of one image", 'depthwiseConv2d.ts', 'sumPlane(op.dy + plane, op.images * h * w)', 'sumPlane(op.dy + plane, h * w)'],
];

/** Mutants of losses, optimizers and averages. */
// prettier-ignore
const STEP_MUTANTS: readonly Mutant[] = [
  ['a decay that is never decoupled', 'adam.ts', 'op.decoupled ? 0 : op.weightDecay', 'op.weightDecay'],

  ['Nesterov momentum without look-ahead', 'sgd.ts', 'nesterov ? f32x4.add(g, f32x4.mul(momentum, b)) : b', 'b'],
  ['the momentum not stored', 'sgd.ts', 'v128.store(op.momenta + at, b);', ''],

  ['clipping by the norm of the first panel', 'clip.ts', 'panel < op.panels; panel++) total', 'panel < 1; panel++) total'],
  ['a divisor below 1', 'clip.ts', 'max<f64>(1, sqrt(total))', 'sqrt(total)'],
  ['the decay outside of the ratio', 'lamb.ts', 'f32x4.add(adapted, f32x4.mul(f32x4.splat(op.weightDecay), v128.load(op.param + at)))', 'adapted'],
  ['a trust ratio without decay', 'lamb.ts', 'if (op.weightDecay == 0) return 1;', ''],
  ['norms of the first panel', 'lamb.ts', 'panel < op.panels; panel++) {\n    const squares = op.squares', 'panel < 1; panel++) {\n    const squares = op.squares'],
  ['half of every vector squared', 'squares.ts', 'f64x2.add(f64x2.add(sum, f64x2.mul(low, low)), f64x2.mul(high, high))', 'f64x2.add(f64x2.add(sum, f64x2.mul(low, low)), f64x2.mul(low, low))'],

  ['a sum continued from the previous step', 'accumulate.ts', 'op.passes == 1', 'false'],
  ['a sum not stored', 'accumulate.ts', 'v128.store(op.sum + at, sum);', ''],
  ['a sum instead of the mean of the passes', 'accumulate.ts', 'f32x4.div(sum, passes)', 'sum'],
  ['only the first panels of gradients', 'accumulate.ts', 'min(to * PANEL, op.count)', 'min(PANEL, op.count)'],

  ['a swap in one direction only', 'ema.ts', 'v128.store(op.state + at, average);', ''],

  ['a sum instead of the mean over the classes', 'bceWithLogits.ts', 'total / <f64>op.classes', 'total'],
  ['the sigmoid of −x', 'bceWithLogits.ts', 'x > 0 ? 1 / (1 + e) : e / (1 + e)', 'x > 0 ? e / (1 + e) : 1 / (1 + e)'],
  ['a series too short', 'exp.ts', 'let i = 33;', 'let i = 9;'],
  ['gradients of padding classes not cleared', 'softmaxCrossEntropy.ts', 'store<f32>(dx + classAt(c, pitchBytes), 0)', ''],
  ['targets that do not sum to 1', 'softmaxCrossEntropy.ts', 'p * weight -', 'p -'],
];

/** The fastest judges first: most faults show in any of them. */
const FASTEST_FIRST = [8, 7, 3, 4, 5, 1, 2, 0, 6].map((i) => NETWORKS[i]);

async function symptom(wasm: Uint8Array): Promise<string | null> {
  for (const network of FASTEST_FIRST) {
    try {
      const wrong = await findPassMismatch(wasm, 0.25, network);
      if (wrong !== null) return wrong;
    } catch (trap) {
      if (trap instanceof Error && trap.name === 'RuntimeError') return trap.message;
      throw trap;
    }
  }
  return null;
}

async function stepSymptom(wasm: Uint8Array): Promise<string | null> {
  const [, odd, , ten, , , deep] = NETWORKS;
  for (const loss of ['bce', 'cross-entropy'] as const) {
    const wrong = await findLossMismatch(wasm, ten, loss, 2);
    if (wrong !== null) return wrong;
  }
  for (const network of [odd, deep]) {
    for (const [, step, count, size] of STEPS) {
      const wrong = await findOptimizerMismatch(wasm, network, step, count, size);
      if (wrong !== null) return wrong;
    }
    const wrong = (await findAccumulationMismatch(wasm, network)) ?? (await findAverageMismatch(wasm, network, 0.9));
    if (wrong !== null) return wrong;
  }
  return null;
}

test('unchanged kernels pass for all networks', async () => {
  expect(new Set(FASTEST_FIRST)).toEqual(new Set(NETWORKS));
  const wasm = await compile('plain', TRAINING_ENTRY);
  expect([await symptom(wasm), await stepSymptom(wasm)]).toEqual([null, null]);
});

test.each(STEP_MUTANTS)('%s (%s)', async (_, file, from, to) => {
  expect(
    await stepSymptom(await compile('plain', TRAINING_ENTRY, { file: `training/${file}`, from, to })),
  ).not.toBeNull();
});

test.each(MUTANTS)('%s (%s)', async (_, file, from, to) => {
  expect(await symptom(await compile('plain', TRAINING_ENTRY, { file: `training/${file}`, from, to }))).not.toBeNull();
});

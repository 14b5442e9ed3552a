/** Mutants: kernels with an injected fault must fail on a sample of the table. */
import { expect, test } from '@jest/globals';
import { basename } from 'node:path';
import { instantiate } from '../../../src/wasm/module.js';
import { OPS, type OpsExports } from '../../../src/wasm/ops/kernels.js';
import { compile, OPS_ENTRY, type Fault } from '../compile.js';
import { judge, findMismatch } from '../judge.js';
import { runSample } from './memory.js';
import { TABLE, type Sample } from './samples.js';

type Mutant = readonly [what: string, file: string, from: string, to: string];

// prettier-ignore
const MUTANTS: readonly Mutant[] = [
  ['half of the sums dropped', 'ops/dot.ts', 'sum(f32x4.add(even, odd))', 'sum(even)'],
  ['the tail skipped', 'ops/dot.ts', 'for (; p < k; p++)', 'for (; p < 0; p++)'],

  ['the depth after the first block skipped', 'ops/gemm.ts', 'p < k; p += DEPTH', 'p < min(k, DEPTH); p += DEPTH'],
  ['the rows after the first block skipped', 'ops/gemm.ts', 'i0 < m; i0 += ROWS', 'i0 < min(m, ROWS); i0 += ROWS'],
  ['the last rows skipped', 'ops/gemm.ts', 'for (let i = 0; i < rows; i += 4) {\n          const', 'for (let i = 0; i + 4 <= rows; i += 4) {\n          const'],
  ['the last columns skipped', 'ops/gemm.ts', 'for (let j = 0; j < n; j += 8)', 'for (let j = 0; j + 8 <= n; j += 8)'],
  ['tiles at the edge written completely', 'ops/gemm.ts', 'if (i + 4 <= rows && j + 8 <= n)', 'if (true)'],
  ['tiles at the edge cut one column short', 'ops/gemm.ts', 'const width = min(n - j, 8);', 'const width = min(n - j, 8) - 1;'],
  ['tiles at the edge not accumulated', 'ops/gemm.ts', 'copyTile(corner, 4 * 8, tile, rowBytes, height, width);', ''],
  ['the weights one step behind', 'shared/gemm4x8.ts', 'b += 4 * 32;', 'b += 3 * 32;'],
  ['rows packed in the wrong order', 'shared/transpose4x4.ts', 'v128.shuffle<f32>(high01, high23, 2, 3, 6, 7)', 'v128.shuffle<f32>(high01, high23, 2, 3, 7, 6)'],
  ['packed rows end with the blocks of 4', 'ops/gemm.ts', 'for (; p < depth; p++) {\n      const', 'for (; p < (depth & ~3); p++) {\n      const'],
  ['one column not accumulated', 'ops/gemm.ts', 'load<f32>(ci) + dot(', 'dot('],

  ['no bias', 'ops/conv2d.ts', 'const value = bias ? load<f32>(bias + 4 * <usize>o) : 0;', 'const value: f32 = 0;'],
  ['the first bias used for all', 'ops/conv2d.ts', 'load<f32>(bias + 4 * <usize>o)', 'load<f32>(bias)'],
  ['a dropped tap', 'ops/conv2d.ts', 'for (let j = 0; j < kw; j++)', 'for (let j = 0; j < max(1, kw - 1); j++)'],
  ['padding off by one', 'ops/conv2d.ts', 'oy * stride - padding + i', 'oy * stride - padding + i + 1'],
  ['padding that repeats the map', 'ops/conv2d.ts', 'inside && <u32>ix < <u32>w', 'inside'],
  ['stride 2 treated as 1x1 without im2col', 'ops/conv2d.ts', 'kh == 1 && kw == 1 && stride == 1 && padding == 0', 'kh == 1 && kw == 1 && padding == 0'],
  ['padding treated as 1x1 without im2col', 'ops/conv2d.ts', 'kh == 1 && kw == 1 && stride == 1 && padding == 0', 'kh == 1 && kw == 1 && stride == 1'],
  ['gemm overwrites the columns when packing', 'ops/conv2d.ts', 'scratch + 4 * <usize>columnFloats(depth, size)', 'scratch'],

  ['the bias of the first channel used for all', 'ops/depthwiseConv2d.ts', 'if (bias) bias += 4;', ''],
  ['no bias', 'ops/depthwiseConv2d.ts', 'bias ? load<f32>(bias) : 0', '0'],
  ['a border that is not cleared', 'ops/depthwiseConv2d.ts', 'if (blocks) memory.fill(scratch, 0, <usize>(h + 2 * padding) * paddedBytes);', ''],
  ['the map shifted by one column in its border', 'ops/depthwiseConv2d.ts', '4 * <usize>padding, paddedBytes', '4 * <usize>(padding - 1), paddedBytes'],
  ['the last rows of blocks outside of the map', 'ops/depthwiseConv2d.ts', 'min(oy, oh - 4)', 'oy'],
  ['the last columns of blocks skipped', 'ops/depthwiseConv2d.ts', 'for (let ox = 0; ox < ow; ox += 4)', 'for (let ox = 0; ox + 4 <= ow; ox += 4)'],
  ['a dropped tap in blocks', 'ops/depthwiseConv2d.ts', 'for (let j = 0; j < kw; j++) {\n      const tap', 'for (let j = 0; j < max(1, kw - 1); j++) {\n      const tap'],
  ['a dropped tap outside of blocks', 'ops/depthwiseConv2d.ts', 'i < min(kh, h - top)', 'i < min(kh - 1, h - top)'],
  ['taps before the map', 'ops/depthwiseConv2d.ts', 'let j = max(0, -left)', 'let j = 0'],
  ['blocks at stride 2', 'ops/depthwiseConv2d.ts', 'stride == 1 && oh >= 4', 'oh >= 4'],

  ['lambda 0 treated as absent', 'ops/leakyRelu.ts', 'f32x4.splat(lambda)', 'f32x4.splat(lambda == 0 ? 0.01 : lambda)'],
  ['the tail skipped', 'ops/leakyRelu.ts', 'for (; i < size; i++)', 'for (; i < 0; i++)'],
  ['the tail not leaky', 'ops/leakyRelu.ts', 'v > 0 ? v : lambda * v', 'v > 0 ? v : 0'],
  ['the positive side scaled', 'ops/leakyRelu.ts', 'f32x4.gt(v, zero)', 'f32x4.lt(v, zero)'],

  ['starts from 0', 'ops/windowMax.ts', 'f32.NEGATIVE_INFINITY', '<f32>0'],
  ['NaN loses', 'ops/windowMax.ts', 'v > largest || isNaN(v)', 'v > largest'],
  ['the last row left out', 'ops/windowMax.ts', 'i < bottom', 'i < max(top + 1, bottom - 1)'],
  ['NaN loses in blocks', 'shared/simd.ts', 'v128.or(f32x4.gt(v, m), f32x4.ne(v, v))', 'f32x4.gt(v, m)'],
  ['one of four left out', 'ops/maxPool2d.ts', 'max(max(above, v128.shuffle<f32>(l0, l1, 0, 2, 4, 6)), v128.shuffle<f32>(l0, l1, 1, 3, 5, 7))', 'max(above, v128.shuffle<f32>(l0, l1, 0, 2, 4, 6))'],
  ['columns mixed up', 'ops/maxPool2d.ts', 'v128.shuffle<f32>(u0, u1, 1, 3, 5, 7)', 'v128.shuffle<f32>(u0, u1, 1, 3, 7, 5)'],
  ['the window as large as the stride', 'ops/maxPool2d.ts', 'left + kernelSize)', 'left + stride)'],
  ['2x2 at any stride in blocks', 'ops/maxPool2d.ts', 'kernelSize == 2 && stride == 2', 'kernelSize == 2'],

  ['windows end too early', 'shared/poolWindow.ts', '(i + 1) * size + count - 1', '(i + 1) * size'],
  ['windows begin too late', 'shared/poolWindow.ts', '(<i64>i * size) / count', '(<i64>i * size + count - 1) / count'],
  ['rows taken for columns', 'ops/adaptiveMaxPool2d.ts', 'windowStart(ox, w, ow)', 'windowStart(ox, h, ow)'],

  ['the tail skipped', 'ops/globalAvgPool.ts', 'for (; i < size; i++)', 'for (; i < 0; i++)'],
  ['a sum for a mean', 'ops/globalAvgPool.ts', 'total / <f32>size', 'total'],
  ['a mean over rows', 'ops/globalAvgPool.ts', 'total / <f32>size', 'total / <f32>h'],
];

/** The ops that use a file which is not named after an op. */
const USED_BY: Readonly<Record<string, readonly string[]>> = {
  'ops/dot.ts': ['conv2d'],
  'ops/gemm.ts': ['conv2d'],
  'shared/poolWindow.ts': ['adaptiveMaxPool2d'],
  'shared/simd.ts': ['maxPool2d'],
  'shared/gemm4x8.ts': ['conv2d'],
  'shared/transpose4x4.ts': ['conv2d'],
  'ops/windowMax.ts': ['maxPool2d', 'adaptiveMaxPool2d'],
};

const samplesOf = (file: string): readonly Sample[] => {
  const ops = USED_BY[file] ?? [basename(file, '.ts')];
  const samples = TABLE.filter(({ call }) => ops.includes(call.op));
  if (samples.length === 0) throw new Error(`no sample for ${file}`);
  return samples;
};

const verdicts = new Map(TABLE.map((sample) => [sample, judge(sample.call, sample)]));

/** How a sample shows that the kernels are faulty; null if it does not. */
function symptom(kernels: OpsExports, sample: Sample): string | null {
  try {
    const { y, strayWrites } = runSample(kernels, sample);
    const verdict = verdicts.get(sample);
    if (verdict === undefined) throw new Error(`${sample.label} was not judged`);
    return strayWrites.length > 0 ? `${strayWrites.length} words written outside` : findMismatch(y, verdict);
  } catch (trap) {
    if (trap instanceof Error && trap.name === 'RuntimeError') return trap.message;
    throw trap;
  }
}

test.each(MUTANTS)('%s (%s)', async (_, file, from, to) => {
  const kernels = await instantiate(OPS, await compile('plain', OPS_ENTRY, { file, from, to }));
  let firstSymptom: string | null = null;
  for (const sample of samplesOf(file)) firstSymptom ??= symptom(kernels, sample);
  expect(firstSymptom).not.toBeNull();
});

test('a fault whose text is not in the file is an error', async () => {
  const fault: Fault = { file: 'ops/dot.ts', from: 'no such text', to: '' };
  await expect(compile('plain', OPS_ENTRY, fault)).rejects.toThrow('dot.ts says 0 times, not once: no such text');
});

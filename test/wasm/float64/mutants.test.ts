/** Mutants: kernels with an injected fault must fail on a sample. */
import { expect, test } from '@jest/globals';
import { FLOAT64 } from '../../../src/wasm/float64/kernels.js';
import { instantiate } from '../../../src/wasm/module.js';
import { compile, FLOAT64_ENTRY } from '../compile.js';
import { SAMPLES, symptom } from './samples.js';

// prettier-ignore
const MUTANTS: readonly (readonly [what: string, file: string, from: string, to: string])[] = [
  ['products of two factors swapped with the sum', 'simd.ts', 'f64x2.add(f64x2.mul(a, b), c)', 'f64x2.mul(f64x2.add(a, c), b)'],
  ['the sums before not counted', 'multiply.ts', 'let c00 = v128.load(c);', 'let c00 = f64x2.splat(0);'],
  ['one panel of A for all rows', 'multiply.ts', 'panel += panelBytes;', ''],
  ['one panel of B for all columns', 'multiply.ts', 'b += panelBytes;', ''],
  ['the last product skipped', 'multiply.ts', 'const end = a + 32 * <usize>depth;', 'const end = a + 32 * max<usize>(1, depth - 1);'],
  ['a row of another', 'multiply.ts', 'v128.load_splat<f64>(a, 24)', 'v128.load_splat<f64>(a, 16)'],
  ['the list ignored', 'accumulate.ts', '32 * <usize>load<i32>(list)', '0'],
  ['gradients of the first entry', 'accumulate.ts', 'list += 4, g += rowBytes', 'list += 4'],
  ['the last lanes skipped', 'accumulate.ts', 'lane < LANES; lane += 4', 'lane < LANES - 4; lane += 4'],
  ['one panel for all columns', 'accumulate.ts', 'w += panelBytes;', ''],
  ['no bias', 'depthwise.ts', 'store<f64>(y + 8 * <usize>s, bias);', 'store<f64>(y + 8 * <usize>s, 0);'],
  ['rows above the map', 'depthwise.ts', 'let i = max(0, p - r)', 'let i = 0'],
  ['a tap beyond the right border', 'depthwise.ts', 'min(width, width + p - j) - from', 'width - from'],
  ['the odd element skipped', 'depthwise.ts', 'if (count > 0) store<f64>(y', 'if (count > 2) store<f64>(y'],
  ['taps that ascend', 'depthwise.ts', 'g += pixelBytes, tap -= 8', 'g += pixelBytes, tap += 8'],
  ['outputs of another row', 'depthwise.ts', 'const top = max(0, r - p);', 'const top = max(0, r - p + 1);'],
];

test.each(MUTANTS)('%s (%s)', async (_, name, from, to) => {
  const kernels = await instantiate(
    FLOAT64,
    await compile('plain', FLOAT64_ENTRY, { file: `float64/${name}`, from, to }),
  );
  let first: string | null = null;
  for (const sample of SAMPLES) first ??= symptom(kernels, sample);
  expect(first).not.toBeNull();
});

/** Checks the goldens: image code with a fault must not pass them. */
import { expect, test } from '@jest/globals';
import { importMutant } from '../judges/mutant.js';
import { JUDGES, type Preprocessing } from './goldens.js';

type Fault = readonly [flaw: string, file: string, from: string, to: string];

// prettier-ignore
const FAULTS: readonly Fault[] = [
  ['the support not scaled', 'taps.ts', 'kernel.support * stretch', 'kernel.support'],
  ['no antialiasing', 'taps.ts', 'Math.max(scale, 1)', '1'],
  ['the kernel narrowed for upscaling', 'taps.ts', 'Math.max(scale, 1)', 'scale'],
  ['corners instead of centers', 'taps.ts', '(begin + i + 0.5) * scale', '(begin + i) * scale'],
  ['weights half a pixel to the left', 'taps.ts', '(j - center + 0.5) * shrink', '(j - center) * shrink'],
  ['weights half a pixel to the right', 'taps.ts', '(j - center + 0.5) * shrink', '(j - center + 1) * shrink'],
  ['the first pixel omitted', 'taps.ts', 'Math.trunc(center - reach + 0.5)', 'Math.trunc(center - reach + 1.5)'],
  ['the last pixel omitted', 'taps.ts', 'Math.trunc(center + reach + 0.5)', 'Math.trunc(center + reach - 0.5)'],
  ['dark borders: weights not divided by their sum', 'taps.ts', '(line[j] / sum)', '(line[j] / stretch)'],
  ['weights rounded down', 'taps.ts', 'Math.trunc(weight + (weight < 0 ? -0.5 : 0.5))', 'Math.floor(weight)'],
  ['weights of 15 bits', 'taps.ts', '32 - 8 - 2', '15'],
  ['a window that begins at 0', 'taps.ts', '(begin + i + 0.5)', '(i + 0.5)'],

  ['sums of rows not clipped', 'resize.ts', 'Uint8ClampedArray(3 * width * height)', 'Uint8Array(3 * width * height)'],
  ['sums of columns not clipped', 'resize.ts', 'Uint8ClampedArray(length * height)', 'Uint8Array(length * height)'],
  ['sums rounded down', 'resize.ts', '1 << (PRECISION - 1)', '0'],
  ['alpha read as red', 'resize.ts', 'from += channels', 'from += 3'],
  ['rows of the window off by one', 'resize.ts', 'first[y] + k - top', 'Math.max(0, first[y] + k - top - 1)'],
  ['the height used as the width', 'resize.ts', 'tapsOf(kernel, image.width, width,', 'tapsOf(kernel, image.height, width,'],

  ['a cubic kernel with a = -0.75', 'kernels.ts', '(1.5 * x - 2.5) * x * x + 1', '(1.25 * x - 2.25) * x * x + 1'],
  ['only the inner lobe of the cubic kernel', 'kernels.ts', 'x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0', '0'],
  ['the border of the box excluded', 'kernels.ts', 'x > -0.5 && x <= 0.5', 'x > -0.5 && x < 0.5'],

  ['the center half a pixel up', 'crop.ts', 'roundHalfEven((size - crop) / 2)', 'Math.floor((size - crop) / 2)'],
  ['the center half a pixel down', 'crop.ts', 'roundHalfEven((size - crop) / 2)', 'Math.ceil((size - crop) / 2)'],
  ['halves rounded away from zero', 'crop.ts', 'half ? floor + (floor % 2) : Math.round(x)', 'Math.round(x)'],
  ['the longer padding first', 'crop.ts', '-Math.floor((crop - size) / 2)', '-Math.ceil((crop - size) / 2)'],
  ['alpha copied as a color', 'crop.ts', 'from += channels', 'from += 3'],

  ['the scaled size rounded', 'preprocess.ts', 'Math.floor(side / crop_pct)', 'Math.round(side / crop_pct)'],
  ['the long side rounded', 'preprocess.ts', 'Math.floor((height * w) / h)', 'Math.round((height * w) / h)'],
  ['the long side of an upright image rounded', 'preprocess.ts', 'Math.floor((height * h) / w)', 'Math.round((height * h) / w)'],
  ['the long side scaled', 'preprocess.ts', 'h <= w', 'h > w'],
  ['the long side from a rounded factor', 'preprocess.ts', 'Math.floor((height * w) / h)', 'Math.floor(height * (w / h))'],
  ['one side smaller than the target', 'preprocess.ts', 'Math.min(h / height, w / width)', 'Math.max(h / height, w / width)'],
  ['the whole image instead of its center', 'preprocess.ts', "scaledSize([image.height, image.width], size, crop_pct)", 'size'],
  ['always bicubic', 'preprocess.ts', 'resizePart(image, scaled, interpolation,', "resizePart(image, scaled, 'bicubic',"],

  ['red and blue exchanged', 'normalize.ts', 'channels * i + c', 'channels * i + 2 - c'],
  ['the deviation of red for all', 'normalize.ts', '/ std[c]', '/ std[0]'],
  ['division by 256', 'normalize.ts', 'v / 255 - m', 'v / 256 - m'],
];

const ENTRY = ['resize', 'crop', 'preprocess'].map((file) => `export * from './image/${file}.js';`).join('\n');

/** The first difference from the goldens, or the message of an exception; null if there is neither. */
function failureOf(functions: Preprocessing): string | null {
  try {
    for (const judge of JUDGES) {
      const differences = judge(functions);
      if (differences.length > 0) return differences[0];
    }
    return null;
  } catch (error) {
    return String(error);
  }
}

test.each(FAULTS.map((fault, id) => ({ id, flaw: fault[0], fault })))('$flaw', async ({ id, flaw, fault }) => {
  const [, file, from, to] = fault;
  const mutant = await importMutant('src', { flaw, file: `image/${file}`, from, to }, id, ENTRY);
  expect(failureOf(mutant as Preprocessing)).not.toBeNull();
});

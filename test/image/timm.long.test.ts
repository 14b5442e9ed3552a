/** `preprocess` and timm's `create_transform(is_training=False)` on generated pictures. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { INTERPOLATIONS } from '../../src/core/config.js';
import { uniform } from '../../src/core/philox.js';
import { preprocess } from '../../src/image/preprocess.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const python = process.env.VANILLANET_PYTHON;
const EVALUATION = fileURLToPath(new URL('evaluation.py', import.meta.url));
const path = temporaryFolder();

const PICTURES = 240;
const [MEAN, STD] = [
  [0.485, 0.456, 0.406],
  [0.229, 0.224, 0.225],
];

/** A picture of noise, and the options of its preparation: sides, crop_pct, interpolation and input size at random. */
function jobOf(index: number) {
  let draws = 0;
  const integer = (low: number, high: number): number =>
    low + Math.floor(uniform(2026, index, draws++) * (high - low + 1));
  const [height, width] = [integer(1, 90), integer(1, 90)];
  const side = integer(1, 48);
  const size = [side, index % 2 === 0 ? side : integer(1, 48)] as const;
  const crop_pct = index % 5 === 0 ? 1 : integer(40, 100) / 100;
  const interpolation = INTERPOLATIONS[integer(0, 2)];
  const data = Uint8Array.from({ length: 3 * height * width }, (_, i) => 256 * uniform(7, index, i));
  return { picture: { height, width, data }, options: { size, crop_pct, interpolation, mean: MEAN, std: STD } };
}

// VANILLANET_PYTHON names an interpreter with timm.
const title = `preprocess has the pixels of timm${python === undefined ? ': VANILLANET_PYTHON names no Python with timm' : ''}`;
(python === undefined ? test.skip : test)(title, async () => {
  const jobs = Array.from({ length: PICTURES }, (_, i) => jobOf(i));
  const written = jobs.map(({ picture: { data, ...sides }, options }) => ({
    ...{ ...sides, data: Buffer.from(data).toString('base64') },
    ...options,
  }));
  await writeFile(path('jobs.json'), JSON.stringify(written));
  await promisify(execFile)(python ?? '', [EVALUATION, path('jobs.json'), path('out.bin')]);
  const judged = await readFile(path('out.bin'));
  const differences: string[] = [];
  let from = 0;
  for (const { picture, options } of jobs) {
    const got = preprocess(picture, options);
    const expected = new Float32Array(
      judged.buffer.slice(judged.byteOffset + from, judged.byteOffset + from + got.byteLength),
    );
    from += got.byteLength;
    // torchvision normalizes in float32, which rounds three times; one level of a pixel is 1/255/0.23 = 0.017.
    const off = Math.max(...got.map((v, i) => Math.abs(v - expected[i])));
    if (!(off < 1e-6 * 4)) {
      const { size, crop_pct, interpolation } = options;
      differences.push(
        `${picture.height}x${picture.width} to ${size.join('x')}, ${crop_pct}, ${interpolation}: ${off}`,
      );
    }
  }
  expect(from).toBe(judged.length);
  expect(differences).toEqual([]);
});

/** `eval --protocol official` prepares pictures as torchvision and Pillow do by the official code's transform. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { preparationOf } from '../../src/cli/evalProtocol.js';
import { resolveConfig } from '../../src/core/config.js';
import { uniform } from '../../src/core/philox.js';
import { openLabeledFiles } from '../../src/data/sets/labeledFiles.js';
import { loadSubset } from '../../src/data/sets/loadSubset.js';
import { prepareInputs } from '../../src/data/sets/prepareInputs.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const python = process.env.VANILLANET_PYTHON;
const OFFICIAL = fileURLToPath(new URL('official.py', import.meta.url));
const path = temporaryFolder();

const PICTURES = 120;
/** Sides of inputs: the first that are scaled, ordinary ones, and those around the first that are warped. */
const SIDES = [33, 48, 63, 64, 160, 224, 256, 383, 384, 400];

interface Job {
  readonly file: string;
  readonly input_size: number;
  readonly crop_pct: number | null;
}

/** A picture of noise and ramps of odd sides: PNG, or JPEG with one of the eight orientations. */
async function writePicture(index: number): Promise<Job> {
  let draws = 0;
  const integer = (low: number, high: number): number =>
    low + Math.floor(uniform(2026, index, draws++) * (high - low + 1));
  const [height, width] = [integer(1, 300), integer(1, 300)];
  const data = Uint8Array.from({ length: 3 * height * width }, (_, i) =>
    index % 3 === 0 ? (i * 5) % 256 : 256 * uniform(7, index, i),
  );
  const picture = sharp(data, { raw: { width, height, channels: 3 } });
  const isJpeg = index % 2 === 1;
  const bytes = isJpeg
    ? await picture
        .withMetadata({ orientation: 1 + (index % 8) })
        .jpeg({ quality: 90 })
        .toBuffer()
    : await picture.png().toBuffer();
  const file = path('flat', `${index}`, isJpeg ? 'a.jpg' : 'a.png');
  await mkdir(path('flat', `${index}`), { recursive: true });
  await writeFile(file, bytes);
  const input_size = SIDES[index % SIDES.length];
  const crop_pct = input_size >= 384 || index % 4 < 2 ? null : integer(40, 100) / 100;
  return { file, input_size, crop_pct };
}

// VANILLANET_PYTHON names an interpreter with torchvision.
const title = `the official protocol has the pixels of torchvision and Pillow${python === undefined ? ': VANILLANET_PYTHON names no Python with torchvision' : ''}`;
(python === undefined ? test.skip : test)(
  title,
  async () => {
    const jobs: Job[] = [];
    for (let i = 0; i < PICTURES; i++) jobs.push(await writePicture(i));
    await writeFile(path('jobs.json'), JSON.stringify(jobs));
    await promisify(execFile)(python ?? '', [OFFICIAL, path('jobs.json'), path('out.bin')]);
    const judged = await readFile(path('out.bin'));
    const differences: string[] = [];
    let from = 0;
    for (const [i, { input_size, crop_pct }] of jobs.entries()) {
      const config = resolveConfig({ variant: 'vanillanet_5', input_size, mean: [0, 0, 0], std: [1, 1, 1] });
      const cropPct = crop_pct === null ? {} : { cropPct: crop_pct };
      const preparation = preparationOf(config, { protocol: 'official', ...cropPct });
      const { input_size: size, crop_pct: share, interpolation, resize, exifOrientation } = preparation;
      const set = await openLabeledFiles(
        path('flat', `${i}`),
        { labelOf: () => 0, classNames: ['any'] },
        { size, crop_pct: share, interpolation, resize, exifOrientation, cache: 'none' },
      );
      const { images } = await loadSubset(set, [0]);
      const pixels = judged.subarray(from, from + images.length);
      if (!pixels.equals(images)) differences.push(`pixels of ${i}`);
      from += images.length;
      const x = await prepareInputs(set, [0], preparation);
      const input = new Float32Array(
        judged.buffer.slice(judged.byteOffset + from, judged.byteOffset + from + x.byteLength),
      );
      from += x.byteLength;
      // torchvision normalizes in float32, which rounds three times; one level of a pixel is 1/255/0.23 = 0.017.
      const off = x.reduce((most, v, j) => Math.max(most, Math.abs(v - input[j])), 0);
      if (!(off < 4e-6)) differences.push(`input of ${i}: ${off}`);
    }
    expect(from).toBe(judged.length);
    expect(differences).toEqual([]);
  },
  300_000,
);

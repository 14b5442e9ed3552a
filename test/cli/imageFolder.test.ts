/** Training and evaluation on an image folder. */
import { beforeAll, expect, test } from '@jest/globals';
import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { answered, hosted, PATIENCE, printed } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

/** Two epochs on images of two classes, with seed 3. */
const TRAIN = [
  ...['train', '--size', '16', '--dims', '4,6', '--strides', '2', '--act-num', '1', '--threads', '1', '--flip', '0.5'],
  ...['--epochs', '2', '--decay-epochs', '1', '--batch-size', '10', '--seed', '3', '--rotation', '10'],
];

async function picture(k: number): Promise<Buffer> {
  const [height, width] = [14 + (k % 5), 20 - (k % 3)];
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i * 7 + 31 * k + i) % 256);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** Writes so many images of each class. */
async function write(root: string, images: number): Promise<void> {
  for (const name of ['cat', 'dog']) {
    await mkdir(path(root, name), { recursive: true });
    for (let k = 0; k < images; k++)
      await writeFile(path(root, name, `${k}.png`), await picture(name === 'cat' ? k : images + k));
  }
}

const copy = (from: string, to: string): Promise<void> => cp(path(from), path(to), { recursive: true });

beforeAll(async () => {
  // More than a hundred to train on: the progress of a hundred is printed.
  await write('pets', 60);
  await write('few', 10);
  await mkdir(path('data'));
  await copy('few', 'data/named');
}, PATIENCE);

const weightsOf = (run: string): Promise<Buffer> => readFile(path(run, 'last.safetensors'));

test(
  'gives the same network with and without cache, and prints which it is and what is held out',
  async () => {
    const inMemory = await printed([...TRAIN, '-d', 'pets', '-o', 'memory'], path(), inHost);
    const lines = inMemory.split('\n');
    expect(lines.slice(0, 4)).toEqual([
      'images to train on: 100 of 108',
      'images to train on: 108 of 108',
      'data   pets: 108 images to train on, 12 held out (10.0% of each class at random: there is no folder val or test), 2 classes',
      'net    dims 4,6  strides 2  act_num 1',
    ]);
    expect(lines[4]).toMatch(/^memory .* for the images$/);
    for (const workers of ['0', '2']) {
      const run = `disk ${workers}`;
      const args = [...TRAIN, '-d', 'pets', '-o', run, '--cache', 'none', '--workers', workers];
      // The process with workers ends by itself.
      const text = await printed(args, path(), workers === '0' ? inHost : undefined);
      expect(text).toMatch(/^memory .* for the images \(read from disk for each batch\)$/m);
      expect(await weightsOf(run)).toEqual(await weightsOf('memory'));
    }
  },
  2 * PATIENCE,
);

test(
  'resumes without cache with the same images in another folder, and refuses other images',
  async () => {
    await copy('pets', 'moved');
    await copy('pets', 'others');
    await writeFile(path('others', 'dog', '7.png'), await picture(3));
    const resume = [...TRAIN, '-o', 'memory', '--resume', '--cache', 'none', '--workers', '0'];
    const { status, stderr } = await inHost([...resume, '-d', 'others'], path());
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^ParamError: resume: .*, got others: /)]);
    await printed([...resume, '-d', 'moved'], path(), inHost);
  },
  PATIENCE,
);

test(
  'eval uses the held-out images, or all',
  async () => {
    await printed(['fuse', 'memory/last.safetensors', 'fused.safetensors'], path(), inHost);
    const args = ['eval', '-w', 'fused.safetensors', '-d', 'pets', '--seed', '3'];
    expect(await answered([...args, '--val-split', '0.1'], path(), inHost)).toMatchObject({
      images: 12,
      split: 'test',
    });
    expect(await answered(args, path(), inHost)).toMatchObject({ images: 120, split: 'all' });
    const text = await printed(args, path(), inHost);
    expect(text).toMatch(/^images opened: 100 of 120\n/);
    expect(text).toContain('fused.safetensors on pets, all: 120 images, 2 classes\n');
    const none = await inHost([...args, '--val-split', '0'], path());
    expect([none.status, none.stderr]).toEqual([1, 'DataError: pets: expected images of the split test, got none\n']);
  },
  PATIENCE,
);

test(
  'uses all images with --val-split 0, and finds the folder in data/ by its name',
  async () => {
    for (const more of [
      ['--val-split', '0'],
      ['--val-limit', '0'],
    ]) {
      const text = await printed(
        [...TRAIN, '-d', 'named', '-o', `run${more[0]}`, '--workers', '0', ...more],
        path(),
        inHost,
      );
      expect(text).toContain('data   named: 20 images to train on, 0 held out, 2 classes\n');
    }
  },
  PATIENCE,
);

test(
  'an image damaged after its header ends the training with its name, and the run is kept',
  async () => {
    await copy('few', 'damaged');
    const image = await readFile(path('damaged', 'dog', '7.png'));
    await writeFile(path('cut.png'), image.subarray(0, image.length / 2));
    await rename(path('cut.png'), path('damaged', 'dog', '7.png'));
    const args = [...TRAIN, '-d', 'damaged', '-o', 'stopped', '--val-split', '0', '--cache', 'none', '--workers', '0'];
    const { status, stderr } = await inHost(args, path());
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/^DataError: damaged[/\\]dog[/\\]7\.png: expected a whole image, /),
    ]);
    const skipping = [...args, '--on-bad-image', 'skip'].with(args.indexOf('stopped'), 'gone on');
    const text = await printed(skipping, path(), inHost);
    expect(text).toMatch(/^skipped dog\/7\.png: /m);
    expect(text).toContain('19 images to train on');
  },
  PATIENCE,
);

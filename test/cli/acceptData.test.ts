/** A damaged image in the middle of a training: the run is saved, and can be resumed. */
import { beforeAll, expect, test } from '@jest/globals';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { permutation } from '../../src/data/loader/permutation.js';
import { readCheckpoint } from '../../src/train/checkpoint.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { posixTest } from '../platform.js';
import { hosted, PATIENCE, vanillanet } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

/** Images of each of the two classes: six batches an epoch. */
const IMAGES = 12;
const SEED = 3;
const train = (data: string, output: string, ...more: string[]): string[] => [
  ...['train', '--size', '8', '--dims', '4,6', '--strides', '1', '--epochs', '2', '--decay-epochs', '1', '-b', '4'],
  ...['--build', 'plain', '--threads', '1', '--seed', `${SEED}`, '--random-resized-crop', '0.5,1', '--val-split', '0'],
  ...['--cache', 'none', '-d', data, '-o', output, ...more],
];
/** The position of an image in the last batch of the first epoch. */
const position = permutation(2 * IMAGES, SEED, 0)[21];
const nameOf = (at: number): string => `${at < IMAGES ? 'cat' : 'dog'}/${`${at}`.padStart(2, '0')}.png`;
const DAMAGED = nameOf(position);
const LAST = 'checkpoint-00000005.safetensors';

async function picture(k: number): Promise<Buffer> {
  const [height, width] = [12 + (k % 5), 16 - (k % 3)];
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * i * 7 + 31 * k + i) % 256);
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

beforeAll(async () => {
  for (const name of ['cat', 'dog']) await mkdir(path('pets', name), { recursive: true });
  for (let k = 0; k < 2 * IMAGES; k++) await writeFile(path('pets', nameOf(k)), await picture(k));
  await cp(path('pets'), path('damaged'), { recursive: true });
  const image = await readFile(path('pets', DAMAGED));
  await writeFile(path('damaged', DAMAGED), image.subarray(0, image.length / 2));
  expect(await inHost(train('pets', 'whole', '--workers', '0'), path())).toMatchObject({ status: 0, stderr: '' });
}, PATIENCE);

test(
  'saves the last complete step and says how to continue; a resume fails at the same image and keeps the run',
  async () => {
    for (const more of [[], ['--resume']]) {
      const { status, stdout, stderr } = await inHost(train('damaged', 'run', ...more), path());
      expect([status, stderr]).toEqual([
        1,
        expect.stringContaining(`DataError: ${join('damaged', DAMAGED)}: expected a whole image, `),
      ]);
      expect(stderr).toMatch(/\nhint: .*--resume --accept-data, or leave it out: add --on-bad-image skip\.\n$/);
      expect(stdout).toMatch(/\nkept {3}checkpoint-00000005\.safetensors in run\n$/);
      expect(await readCheckpoint(path('run', LAST))).toMatchObject({ epoch: 0, step: 5, globalStep: 5 });
    }
    await cp(path('run'), path('without'), { recursive: true });
  },
  PATIENCE,
);

posixTest('sh')(
  'names the image if the disk is full, too, and says what was lost',
  async () => {
    const { status, stdout, stderr } = await vanillanet(train('damaged', 'full', '--dims', '32,64'), path(), {
      fileSize: 16,
    });
    expect([status, stderr.trimEnd().split('\n')]).toEqual([
      1,
      [
        expect.stringMatching(/^ParamError: full\/checkpoint-00000005\..*; the last steps are lost$/),
        expect.stringContaining(`DataError: ${join('damaged', DAMAGED)}: expected a whole image, `),
        expect.stringMatching(/^hint: .*--accept-data/),
      ],
    ]);
    expect(stdout).toContain('\nkept   no weights in full\n');
  },
  PATIENCE,
);

test(
  'continues with the repaired file if --accept-data allows it, to the bits of a run without damage',
  async () => {
    await cp(path('damaged'), path('repaired'), { recursive: true });
    await cp(path('pets', DAMAGED), path('repaired', DAMAGED));
    const refused = await inHost(train('repaired', 'run', '--resume'), path());
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/^ParamError: resume: expected the data of the checkpoint \(.*\), got /),
    ]);
    const accepted = await inHost(train('repaired', 'run', '--resume', '--accept-data', '--workers', '0'), path());
    expect(accepted).toMatchObject({ status: 0, stderr: '' });
    expect(await readFile(path('run', 'last.safetensors'))).toEqual(await readFile(path('whole', 'last.safetensors')));
  },
  PATIENCE,
);

test(
  'continues without the image with --on-bad-image skip',
  async () => {
    const more = ['--resume', '--accept-data', '--on-bad-image', 'skip', '--workers', '0'];
    const { status, stdout, stderr } = await inHost(train('damaged', 'without', ...more), path());
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`skipped ${DAMAGED}: `);
    expect(stdout).toContain('23 images to train on');
    const records = (await readFile(path('without', 'metrics.jsonl'), 'utf8')).trimEnd().split('\n');
    const steps = records.map((line) => JSON.parse(line) as { kind: string; global_step: number });
    expect(steps.filter(({ kind }) => kind === 'step').map(({ global_step }) => global_step)).toEqual(
      Array.from({ length: 10 }, (_, i) => i + 1),
    );
  },
  PATIENCE,
);

test('refuses --accept-data without --resume', async () => {
  const { status, stderr } = await inHost(train('pets', 'new', '--accept-data'), path());
  expect([status, stderr]).toEqual([
    1,
    'ParamError: accept-data: expected --resume, got a new run\nhint: Add --resume, or omit --accept-data.\n',
  ]);
});

/** An image that turns out to be damaged in the middle of a training: what was done is kept, and can be gone on with. */
import { beforeAll, expect, test } from '@jest/globals';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { permutation } from '../../src/data/loader/permutation.js';
import { readCheckpoint } from '../../src/train/checkpoint.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { hosted, PATIENCE, vanillanet } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

/** Of each of two classes; six batches an epoch. */
const IMAGES = 12;
const SEED = 3;
const train = (data: string, output: string, ...more: string[]): string[] => [
  ...['train', '--size', '8', '--dims', '4,6', '--strides', '1', '--epochs', '2', '--decay-epochs', '1', '-b', '4'],
  ...['--build', 'plain', '--seed', `${SEED}`, '--random-resized-crop', '0.5,1', '--val-split', '0'],
  ...['--cache', 'none', '-d', data, '-o', output, ...more],
];
/** In the first epoch's last batch. */
const position = permutation(2 * IMAGES, SEED, 0)[21];
const nameOf = (at: number): string => `${at < IMAGES ? 'cat' : 'dog'}/${`${at}`.padStart(2, '0')}.png`;
const SPOILED = nameOf(position);
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
  await cp(path('pets'), path('spoiled'), { recursive: true });
  const whole = await readFile(path('pets', SPOILED));
  await writeFile(path('spoiled', SPOILED), whole.subarray(0, whole.length / 2));
  expect(await inHost(train('pets', 'whole'), path())).toMatchObject({ status: 0, stderr: '' });
}, PATIENCE);

test(
  'the last whole step is saved, and what to do is told; a resume meets the same image, and keeps what is there',
  async () => {
    for (const more of [[], ['--resume']]) {
      const { status, stdout, stderr } = await inHost(train('spoiled', 'run', ...more), path());
      expect([status, stderr]).toEqual([
        1,
        expect.stringContaining(`DataError: spoiled/${SPOILED}: expected a whole image, `),
      ]);
      expect(stdout).toMatch(/\nkept {3}checkpoint-00000005\.safetensors in run\n.*--resume --accept-data goes on/);
      expect(await readCheckpoint(path('run', LAST))).toMatchObject({ epoch: 0, step: 5, globalStep: 5 });
    }
    await cp(path('run'), path('without'), { recursive: true });
  },
  PATIENCE,
);

test(
  'it is named where the disk is full besides, of which is told what that cost',
  async () => {
    const { status, stdout, stderr } = await vanillanet(train('spoiled', 'full', '--dims', '32,64'), path(), {
      fileSize: 16,
    });
    expect([status, stderr.trimEnd().split('\n')]).toEqual([
      1,
      [
        expect.stringMatching(/^ParamError: full\/checkpoint-00000005\..*; the last steps are not kept$/),
        expect.stringContaining(`DataError: spoiled/${SPOILED}: expected a whole image, `),
      ],
    ]);
    expect(stdout).toContain('\nkept   no weights in full\n');
  },
  PATIENCE,
);

test(
  'a file that was mended is gone on with where that is said, and then to the bits of a run that had it all along',
  async () => {
    await cp(path('spoiled'), path('mended'), { recursive: true });
    await cp(path('pets', SPOILED), path('mended', SPOILED));
    const refused = await inHost(train('mended', 'run', '--resume'), path());
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/^ParamError: resume: expected the data of the checkpoint \(.*\), got /),
    ]);
    const accepted = await inHost(train('mended', 'run', '--resume', '--accept-data'), path());
    expect(accepted).toMatchObject({ status: 0, stderr: '' });
    expect(await readFile(path('run', 'last.safetensors'))).toEqual(await readFile(path('whole', 'last.safetensors')));
  },
  PATIENCE,
);

test(
  'or it is left out',
  async () => {
    const more = ['--resume', '--accept-data', '--on-bad-image', 'skip'];
    const { status, stdout, stderr } = await inHost(train('spoiled', 'without', ...more), path());
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain(`skipped ${SPOILED}: `);
    expect(stdout).toContain('23 images to train on');
    const records = (await readFile(path('without', 'metrics.jsonl'), 'utf8')).trimEnd().split('\n');
    const steps = records.map((line) => JSON.parse(line) as { kind: string; global_step: number });
    expect(steps.filter(({ kind }) => kind === 'step').map(({ global_step }) => global_step)).toEqual(
      Array.from({ length: 10 }, (_, i) => i + 1),
    );
  },
  PATIENCE,
);

test('without a run to go on with, nothing is to be accepted', async () => {
  const { status, stderr } = await inHost(train('pets', 'new', '--accept-data'), path());
  expect([status, stderr]).toEqual([1, 'ParamError: accept-data: expected --resume, which it is for, got a new run\n']);
});

/** What `eval` writes, refuses and counts, in process, on a network of two classes and a few pictures of 8 by 8. */
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { DataError, ParamError } from '../../src/core/errors.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { runEval } from './runEval.js';

const path = temporaryFolder();
const config = drawnConfig('deploy', { input_size: [8, 8], num_classes: 2 });
const LABELS = ['dark/a.png 0', 'dark/b.png 0', 'light/a.png 1', 'light/b.png 1'];
let weights = '';
let bytes: Buffer;
let picture: Buffer;

beforeAll(async () => {
  weights = path('net.safetensors');
  await writeWeights(weights, drawnState(config), config);
  bytes = await readFile(weights);
  const data = Uint8Array.from({ length: 192 }, (_, i) => (i * i * 31) % 256);
  picture = await sharp(data, { raw: { width: 8, height: 8, channels: 3 } })
    .png()
    .toBuffer();
  for (const label of LABELS) {
    const [name] = label.split(' ');
    await mkdir(path('pets', name, '..'), { recursive: true });
    await writeFile(path('pets', name), picture);
  }
});

let csv = '';
let count = 0;
beforeEach(() => {
  csv = path(`${count++}.csv`);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const printed = (...args: string[]): Promise<string> =>
  runEval('-w', weights, '-d', path('pets'), '--build', 'plain', '--threads', '1', ...args);
const answer = async (...args: string[]) => JSON.parse(await printed(...args, '--json')) as Record<string, unknown>;
const description = async () => JSON.parse(await readFile(`${csv}.json`, 'utf8')) as Record<string, unknown>;
const sha256 = (content: string | Buffer): string => createHash('sha256').update(content).digest('hex');

/** Serves the weights, after a call. */
async function withServer(use: (url: string) => Promise<void>, onRequest = () => Promise.resolve()): Promise<void> {
  const server = createServer((_, response) => {
    void onRequest().then(() => response.end(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/net.safetensors`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

describe('predictions', () => {
  test('have a description of the weights, the network, the data and what computes', async () => {
    await printed('--csv', csv, '-t', '1');
    const { preparation, ...rest } = await description();
    const { dims, strides, ada_pool, act_num, lambda } = config;
    expect(rest).toEqual({
      ...{ weights: { sha256: sha256(bytes), ema: true, key: null }, top: 1 },
      network: { dims: [...dims], strides: [...strides], ada_pool, act_num, lambda },
      data: {
        ...{ split: 'all', images: 4 },
        sha256: sha256(LABELS.map((label) => `${label.split(' ').reverse().join(' ')}\n`).join('')),
      },
      backend: { name: 'wasm', build: 'plain' },
    });
    expect(preparation).toMatchObject({ protocol: 'weights', input_size: [8, 8] });
  });

  test('of the reference name its number format', async () => {
    await printed('--csv', csv, '--backend', 'reference', '-n', '2');
    expect(await description()).toMatchObject({ backend: { name: 'reference', build: 'float64' } });
  });

  test('belong to the bytes of a file, also by its URL, and to the URL of what is elsewhere', async () => {
    await printed('--csv', csv, '-w', pathToFileURL(weights).href, '-n', '2');
    expect((await description())['weights']).toEqual({ sha256: sha256(bytes), ema: true, key: null });
    await withServer(async (url) => {
      csv = path('remote.csv');
      await printed('--csv', csv, '-w', url, '-n', '2');
      expect((await description())['weights']).toEqual({ url, ema: true, key: null });
    });
  });

  test('are new without --resume, and name what is continued and what is whole', async () => {
    const text = await printed('--csv', csv, '-b', '2');
    expect(text).not.toContain('continued');
    expect(text).toMatch(/\n\d+ images\/s by wasm\n/);
    expect(text.endsWith(`\n\nwrote ${csv}\n`)).toBe(true);
    const rows = (await readFile(csv, 'utf8')).split('\n');
    await writeFile(csv, `${rows.slice(0, 3).join('\n')}\n`);
    const again = await printed('--csv', csv, '-b', '2', '--resume');
    expect(again.startsWith(`continued after 2 of 4 images in ${csv}\n`)).toBe(true);
    const whole = await printed('--csv', csv, '-b', '2', '--resume');
    expect(whole).toContain(`continued after 4 of 4 images in ${csv}\n`);
    expect(whole).toContain(`\nall of it from ${csv}\n`);
    expect(await answer('--csv', csv, '-b', '2', '--resume')).toMatchObject({ images: 4, images_per_second: null });
  });

  test('do not replace a file, which is found before the weights are looked at', async () => {
    await writeFile(csv, '');
    // No file either: that is found next.
    await expect(printed('--csv', csv, '-w', '/dev/null')).rejects.toThrow(
      refusal(ParamError, csv, 'does not exist yet', 'one that exists'),
    );
    await expect(printed('--csv', csv, '--confusion', csv)).rejects.toThrow(
      refusal(ParamError, csv, 'an output that is not an input', csv),
    );
    const list = path('labels.csv');
    await writeFile(list, LABELS.join('\n'));
    await expect(printed('--labels', list, '--csv', list, '--resume')).rejects.toThrow(
      refusal(ParamError, list, 'an output that is not an input', list),
    );
  });

  test('do not replace a file that appears while the weights are loaded', async () => {
    await withServer(
      async (url) => {
        await expect(printed('--csv', csv, '-w', url)).rejects.toThrow(
          refusal(ParamError, csv, 'does not exist yet', 'one that exists'),
        );
        expect(await readFile(csv, 'utf8')).toBe('mine');
      },
      () => writeFile(csv, 'mine'),
    );
  });

  test('need weights that can be compared later', async () => {
    await expect(printed('--csv', csv, '-w', '/dev/null')).rejects.toMatchObject({
      ...{ name: 'ParamError', op: '/dev/null', expected: 'weights in a file or at a URL, for --csv', got: 'a pipe' },
      hint: 'Write them into a file first, or omit --csv.',
    });
    expect(await stat(csv).catch(() => null)).toBeNull();
  });

  test('to continue must be named, in a file of their kind', async () => {
    await expect(printed('--resume')).rejects.toMatchObject({
      ...{ name: 'ParamError', op: '--resume', expected: '--csv FILE', got: 'none' },
      hint: 'Name the file of predictions to continue.',
    });
    jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    await expect(printed('--csv', path('predictions.txt'))).rejects.toMatchObject({
      code: 'commander.invalidArgument',
    });
  });
});

describe('the preparation', () => {
  test('is that of the weights, or of flags', async () => {
    expect(await answer('-n', '2')).toMatchObject({ preparation: { protocol: 'weights', input_size: [8, 8] } });
    const flags = ['-n', '2', '--input-size', '9x10', '--crop-pct', '1'];
    expect(await answer(...flags)).toMatchObject({ preparation: { input_size: [9, 10], crop_pct: 1 } });
  });

  test.each(['0', '-0.5', '1.01'])('does not crop by %s', async (share) => {
    jest.spyOn(process.stderr, 'write').mockReturnValue(true);
    await expect(printed('--crop-pct', share)).rejects.toMatchObject({ code: 'commander.invalidArgument' });
  });
});

describe('damaged pictures', () => {
  /** A folder with whole pictures of one class, and as many damaged ones of the other. */
  async function damaged(folder: string, n: number): Promise<string[]> {
    for (const name of ['dark', 'light']) await mkdir(path(folder, name), { recursive: true });
    for (const name of ['dark/whole.png', 'light/whole.png']) await writeFile(path(folder, name), picture);
    const files = Array.from({ length: n }, (_, i) => `light/${i}.png`);
    for (const file of files) await writeFile(path(folder, file), picture.subarray(0, picture.length - 40));
    return files;
  }

  test('end the evaluation, unless they are left out', async () => {
    const [file] = await damaged('one', 1);
    await expect(printed('-d', path('one'))).rejects.toThrow(DataError);
    expect(await answer('-d', path('one'), '--skip-damaged')).toMatchObject({ images: 2, damaged: [file] });
  });

  test('are listed up to five', async () => {
    const five = await damaged('five', 5);
    expect(await printed('-d', path('five'), '--skip-damaged')).toContain(`\nskipped 5 damaged: ${five.join(', ')}\n`);
    const six = await damaged('six', 6);
    expect(await printed('-d', path('six'), '--skip-damaged')).toContain(
      `\nskipped 6 damaged: ${six.slice(0, 5).join(', ')} and 1 more\n`,
    );
  });
});

test.each([100, 101])('JSON has the matrix of up to a hundred classes: %d', async (num_classes) => {
  const many = drawnConfig('deploy', { input_size: [8, 8], num_classes });
  await writeWeights(path('many.safetensors'), drawnState(many), many);
  await writeFile(path('many.txt'), 'a 0\nb 1');
  const json = await answer('-w', path('many.safetensors'), '-d', path('pets', 'dark'), '--labels', path('many.txt'));
  expect(json).toMatchObject({ images: 2 });
  expect((json['confusion'] as unknown[] | undefined)?.length).toBe(num_classes === 100 ? 100 : undefined);
});

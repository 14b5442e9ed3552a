/** What `classify` prints, in process and on a network of a few weights; and values of options that are empty. */
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { integer, number, numberIn, zeroOr } from '../../src/cli/arguments.js';
import { classifyCommand } from '../../src/cli/classify.js';
import { ParamError } from '../../src/core/errors.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';

const path = temporaryFolder();
const names = ['ant', 'bee', 'cat', 'dog', 'eel', 'fox', 'gnu'];

beforeAll(async () => {
  const config = drawnConfig('deploy', { input_size: [8, 8], num_classes: 7, class_names: names });
  await writeWeights(path('seven.safetensors'), drawnState(config), config);
  const four = drawnConfig('deploy', { input_size: [8, 8], in_chans: 4, mean: [0, 0, 0, 0], std: [1, 1, 1, 1] });
  await writeWeights(path('four.safetensors'), drawnState(four), four);
  const raw = { width: 9, height: 8, channels: 3 } as const;
  const pixels = Uint8Array.from({ length: 216 }, (_, i) => (37 * i) % 256);
  await writeFile(path('a.png'), await sharp(pixels, { raw }).png().toBuffer());
});
afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
});

async function run(...args: string[]) {
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    jest.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      output[stream] += String(chunk);
      return true;
    });
  }
  await classifyCommand().parseAsync(['-w', path('seven.safetensors'), '-b', 'reference', ...args], { from: 'user' });
  jest.restoreAllMocks();
  return { ...output, exitCode: process.exitCode };
}

test('prints the image, then the most probable classes', async () => {
  const { stdout, stderr, exitCode } = await run(path('a.png'));
  const [image, ...lines] = stdout.split('\n');
  expect([image, stderr, exitCode]).toEqual([path('a.png'), '', undefined]);
  expect(lines.pop()).toBe('');
  expect(lines).toHaveLength(5);
  const shares = lines.map((line) => {
    const [, share, name] = /^ {2} *([\d.]+)% {2}(\w+)$/.exec(line) ?? [];
    expect(names).toContain(name);
    return Number(share);
  });
  expect(shares).toEqual([...shares].sort((a, b) => b - a));
  expect((await run('-t', '2', path('a.png'))).stdout.split('\n')).toHaveLength(4);
});

describe('an image that cannot be read', () => {
  const hint = expect.any(String) as unknown;

  test('does not keep the others from being classified', async () => {
    const { stdout, stderr, exitCode } = await run(path('none.png'), path('a.png'));
    expect(stdout).toContain(path('a.png'));
    expect(stdout).not.toContain('none.png');
    expect(stderr).toContain(`DataError: ${path('none.png')}: expected a readable file`);
    expect(exitCode).toBe(1);
    expect((await run(path('none.png'))).exitCode).toBe(1);
  });

  test('has an error in place of predictions in JSON', async () => {
    const { stdout, exitCode } = await run('--json', '-t', '1', path('none.png'), path('a.png'));
    expect(JSON.parse(stdout)).toEqual([
      { image: path('none.png'), error: expect.stringMatching(/^DataError: .*none\.png: expected/), hint },
      { image: path('a.png'), predictions: [expect.objectContaining({ probability: expect.any(Number) })] },
    ]);
    expect(exitCode).toBe(1);
    expect(JSON.parse((await run('--json', path('a.png'))).stdout)).toHaveLength(1);
  });
});

test('a configuration is checked against the weights', async () => {
  await writeFile(path('config.json'), JSON.stringify({ dims: [1, 2] }));
  await expect(run('-c', path('config.json'), path('a.png'))).rejects.toThrow(
    refusal(ParamError, 'config.dims', '3 entries', '[1,2]'),
  );
});

test('a network for grayscale images takes any image', async () => {
  const gray = drawnConfig('deploy', { input_size: [8, 8], in_chans: 1, mean: [0.5], std: [0.25], num_classes: 2 });
  await writeWeights(path('gray.safetensors'), drawnState(gray), gray);
  const { stdout, stderr } = await run('-w', path('gray.safetensors'), path('a.png'));
  expect(stdout.split('\n')).toEqual([path('a.png'), expect.stringMatching(/%/), expect.stringMatching(/%/), '']);
  expect(stderr).toBe('');
});

test('images need a network for images', async () => {
  await expect(run('-w', path('four.safetensors'), path('a.png'))).rejects.toThrow(
    refusal(ParamError, 'classify', 'a network for RGB or grayscale images', 'in_chans 4'),
  );
});

test.each(['', ' ', '\t'])('the value %j of an option is no number', (text) => {
  const parsers = [integer(0), number(0), numberIn({ min: 0 }), zeroOr({ min: 0 }), zeroOr({ above: 1 })];
  for (const parse of parsers) expect(() => parse(text)).toThrow(/^Expected /);
});

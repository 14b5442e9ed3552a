/** What `eval` prints, in process and on a network of a few weights. */
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { SingleBar } from 'cli-progress';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { evalCommand } from '../../src/cli/eval.js';
import { DataError, ParamError } from '../../src/core/errors.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { Model } from '../../src/model/model.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { plain } from './screen.js';

const path = temporaryFolder();
const SIZES = { input_size: [8, 8], mean: [0.4, 0.5, 0.6], std: [0.3, 0.2, 0.25] } as const;

beforeAll(async () => {
  for (const num_classes of [2, 10]) {
    const config = drawnConfig('deploy', { ...SIZES, num_classes });
    await writeWeights(path(`${num_classes}.safetensors`), drawnState(config), config);
  }
  // A folder without splits, of two classes with two images each.
  for (const [name, value] of [
    ['dark', 10],
    ['light', 240],
  ] as const) {
    await mkdir(path('pets', name), { recursive: true });
    const raw = { width: 8, height: 8, channels: 3 } as const;
    const png = await sharp(new Uint8Array(192).fill(value), { raw }).png().toBuffer();
    for (const file of ['a.png', 'b.png']) await writeFile(path('pets', name, file), png);
  }
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** The lines that the command prints. */
async function linesOf(...args: string[]): Promise<string[]> {
  let text = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const shapes = ['-w', path('10.safetensors'), '-d', 'shapes', '-n', '20', '--build', 'plain', '--threads', '1'];
  await evalCommand().parseAsync([...shapes, ...args], { from: 'user' });
  jest.restoreAllMocks();
  return text.split('\n');
}
const answer = async (...args: string[]) =>
  JSON.parse((await linesOf(...args, '--json')).join('\n')) as Record<string, unknown>;
const pets = (...args: string[]): string[] => ['-w', path('2.safetensors'), '-d', path('pets'), ...args];

describe('as text', () => {
  test('names weights, data and split, then scores, speed and confusion', async () => {
    const [subject, scores, speed, empty, ...table] = await linesOf('-b', '7');
    expect(subject).toBe(`${path('10.safetensors')} on shapes, test: 20 images, 10 classes`);
    expect(scores).toMatch(/^top-1 +\d+\.\d% {2}top-5 +\d+\.\d% {2}loss \d+\.\d{4} nats$/);
    expect(speed).toMatch(/^[1-9]\d* images\/s by wasm$/);
    expect(empty).toBe('');
    const end = table.findIndex((line) => line.startsWith('most frequent mistake: '));
    expect(table[end - 1]).toBe('');
    expect(table[end]).toMatch(/^most frequent mistake: \w+ predicted as \w+, \d+ times$/);
    expect(table.slice(end + 1)).toEqual(['']);
  });

  test('leaves out top-k of as many classes as there are', async () => {
    expect((await linesOf('-t', '10'))[1]).toMatch(/^top-1 +\d+\.\d% {2}loss /);
    expect((await linesOf('-t', '9'))[1]).toContain('  top-9 ');
  });

  test('prints the progress of a hundred images', async () => {
    const lines = await linesOf('-n', '100', '-b', '50');
    expect(lines.filter((line) => / of 100$/.test(line))).toEqual(['images: 100 of 100']);
    expect(await answer('-n', '100')).toMatchObject({ images: 100 });
  });

  test('names the file of the confusion matrix at the end', async () => {
    for (const ending of ['csv', 'json', 'svg']) {
      const lines = await linesOf('--confusion', path(`confusion.${ending}`));
      expect(lines.slice(-3)).toEqual(['', `wrote ${path(`confusion.${ending}`)}`, '']);
    }
    expect(await readFile(path('confusion.svg'), 'utf8')).toContain(`${path('10.safetensors')} on shapes, test`);
    expect(JSON.parse(await readFile(path('confusion.json'), 'utf8'))).toMatchObject({ images: 20 });
  });

  test('calls a folder without splits all', async () => {
    const [subject, scores] = await linesOf(...pets());
    expect(subject).toBe(`${path('2.safetensors')} on ${path('pets')}, all: 4 images, 2 classes`);
    expect(scores).not.toContain('top-5');
  });
});

describe('the images', () => {
  test('are those of the split, as many as the limit', async () => {
    const json = await answer('-s', 'train');
    expect(json).toMatchObject({ weights: path('10.safetensors'), data: 'shapes', split: 'train', images: 20 });
    expect(json).toHaveProperty('top5');
    expect(json['images_per_second']).toBeGreaterThan(0);
    expect(await answer('-s', 'test')).not.toMatchObject({ loss: json['loss'] });
  });

  test('are those that train held out with the same share', async () => {
    expect(await answer(...pets('-s', 'val', '--val-split', '0.5'))).toMatchObject({ images: 2, split: 'val' });
    expect(await answer(...pets('-n', '2'))).toMatchObject({ images: 2, split: 'all' });
  });

  test('have the same scores in batches of any size', async () => {
    const { images_per_second: _, ...whole } = await answer();
    for (const size of ['1', '7', '20']) expect(await answer('-b', size)).toMatchObject(whole);
  });

  test('of a split must exist', async () => {
    const none = linesOf(...pets('-s', 'val', '--val-split', '0'));
    await expect(none).rejects.toThrow(refusal(DataError, path('pets'), 'images of the split val', 'none'));
  });
});

describe('the network', () => {
  test('must be that of --config', async () => {
    await writeFile(path('config.json'), JSON.stringify({ dims: [1, 2] }));
    await expect(linesOf('-c', path('config.json'))).rejects.toThrow(
      refusal(ParamError, 'config.dims', '3 entries', '[1,2]'),
    );
  });

  test('whose scores overflow is refused, with the first such image', async () => {
    const config = drawnConfig('deploy', { ...SIZES, num_classes: 10 });
    const [[first, { data, ...tensor }], ...others] = drawnState(config);
    const huge = new Map([[first, { ...tensor, data: data.map((v) => v * 1e38) }], ...others]);
    await writeWeights(path('huge.safetensors'), huge, config);
    await expect(linesOf('-w', path('huge.safetensors'))).rejects.toMatchObject({
      ...{ name: 'WeightsError', op: 'eval', got: expect.stringMatching(/ of image \d+ \(\w+\)$/) },
    });
  });

  test('is released, also after an error', async () => {
    const dispose = jest.spyOn(Model.prototype, 'dispose');
    await expect(linesOf(...pets('-w', path('10.safetensors')))).rejects.toThrow(ParamError);
    expect(dispose).toHaveBeenCalledTimes(1);
  });
});

test('on a terminal, bars show the images that are opened, and those that are evaluated', async () => {
  const { isTTY } = process.stderr;
  process.stderr.isTTY = true;
  let stderr = '';
  jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    stderr += String(chunk);
    return true;
  });
  const [start, stop] = (['start', 'stop'] as const).map((name) => jest.spyOn(SingleBar.prototype, name));
  try {
    await evalCommand().parseAsync([...pets('-b', '3'), '--threads', '1', '--json'], { from: 'user' });
    const shown = [...plain(stderr).matchAll(/(images(?: opened)?) [█░]+ +(\d+)% {2}(\d+\/\d+)/g)];
    expect(shown.map(([, what, share, count]) => [what, share, count])).toContainEqual(['images', '75', '3/4']);
    expect(shown.map(([, what]) => what)).toContain('images opened');
    expect(start.mock.contexts).toHaveLength(2);
    expect(start.mock.contexts.filter((bar) => !stop.mock.contexts.includes(bar))).toEqual([]);
  } finally {
    process.stderr.isTTY = isTTY;
    // A bar that was left would draw over the output of later tests.
    for (const bar of start.mock.contexts) (bar as SingleBar).stop();
  }
});

test('a confusion matrix does not replace an input', async () => {
  const file = path('labels.json');
  await writeFile(file, '{}');
  await expect(linesOf('-w', file, '--confusion', file)).rejects.toThrow(
    refusal(ParamError, file, 'an output that is not an input', file),
  );
});

test.each(['1', '-0.1', '1.5'])('a share to hold out of %s is refused', async (value) => {
  jest.spyOn(process.stderr, 'write').mockReturnValue(true);
  const parsing = evalCommand().exitOverride().parseAsync(pets('--val-split', value), { from: 'user' });
  await expect(parsing).rejects.toMatchObject({ code: 'commander.invalidArgument' });
});

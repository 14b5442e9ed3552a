/** `eval` on folders as those of ImageNet, in process: classes, lists of labels, ReaL labels, damaged pictures and CSV. */
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { resolveConfig } from '../../src/core/config.js';
import { DataError, ParamError } from '../../src/core/errors.js';
import { readImage } from '../../src/data/decode/image.js';
import { DEVELOPMENT_KIT_CLASSES, IMAGENET_SYNSETS } from '../../src/data/sets/imagenetSynsets.js';
import { IMAGENET_CLASSES } from '../../src/formats/imagenetClasses.js';
import { preprocess } from '../../src/image/preprocess.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { Model } from '../../src/model/model.js';
import { createWasmBackend } from '../../src/wasm/inference/backend.js';
import { refusal } from '../io/refusal.js';
import { crossEntropy } from '../../src/train/scores.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { runEval } from './runEval.js';

const path = temporaryFolder();
const IMAGES = 9;
/** The class of each picture: three synsets, the last of which comes first in the alphabet of none. */
const labelOf = (i: number): number => [999, 7, 278][i % 3];
const nameOf = (i: number): string => `ILSVRC2012_val_${String(i + 1).padStart(8, '0')}.JPEG`;

const config = resolveConfig({
  ...drawnConfig('deploy', { input_size: [40, 40], crop_pct: 0.9, num_classes: 1000 }),
  class_names: IMAGENET_CLASSES,
});
/** The most probable classes of each picture prepared as the weights say. */
const rankings: number[][] = [];
/** The cross-entropies of each picture, prepared as the weights say, and by the official protocol. */
const losses: number[] = [];
const officialLosses: number[] = [];
/** A number of classes that has the labels of some pictures only. */
let top = 0;
const inTop = (i: number): boolean => rankings[i].slice(0, top).includes(labelOf(i));

const ranked = (logits: ArrayLike<number>): number[] =>
  Array.from({ length: logits.length }, (_, i) => i).sort((a, b) => logits[b] - logits[a] || a - b);

beforeAll(async () => {
  await writeWeights(path('net.safetensors'), drawnState(config), config);
  const model = await Model.open(drawnState(config), config, createWasmBackend({ threads: 1, build: 'plain' }));
  for (let i = 0; i < IMAGES; i++) {
    const [width, height] = [20 + 7 * i, 60 - 5 * i];
    const data = Uint8Array.from({ length: 3 * width * height }, (_, j) => (j * j * 31 + 7 * j * i) % 256);
    const picture = sharp(data, { raw: { width, height, channels: 3 } }).withMetadata({
      orientation: i % 2 === 0 ? 1 : 6,
    });
    const bytes = await picture.jpeg().toBuffer();
    for (const folder of [path('set', 'val', IMAGENET_SYNSETS[labelOf(i)]), path('flat')]) {
      await mkdir(folder, { recursive: true });
      await writeFile(`${folder}/${nameOf(i)}`, bytes);
    }
    const { mean, std } = config;
    const prepare = { size: [40, 40], mean, std } as const;
    const upright = await readImage(path('flat', nameOf(i)));
    const stored = await readImage(path('flat', nameOf(i)), { exifOrientation: false });
    const logits = await model.forward(preprocess(upright, { ...prepare, crop_pct: 0.9 }));
    rankings.push(ranked(logits));
    losses.push(crossEntropy(logits, labelOf(i)));
    const official = await model.forward(preprocess(stored, { ...prepare, crop_pct: 0.8 }));
    officialLosses.push(crossEntropy(official, labelOf(i)));
  }
  model.dispose();
  const ranks = rankings.map((ranking, i) => ranking.indexOf(labelOf(i))).sort((a, b) => a - b);
  top = ranks[Math.floor(IMAGES / 2)] + 1;
  const lines = Array.from({ length: IMAGES }, (_, i) => `${nameOf(i)} ${labelOf(i)}\n`);
  await writeFile(path('val.txt'), lines.join(''));
  const kit = Array.from({ length: IMAGES }, (_, i) => DEVELOPMENT_KIT_CLASSES.indexOf(labelOf(i)) + 1);
  await writeFile(path('kit.txt'), [...kit, 1000].join('\n'));
  // The best class of the first, the second best of the second, none of the third, and so on.
  const real = rankings.map((ranking, i) => [[ranking[0]], [ranking[1], ranking[7]], [], [ranking[6]]][i % 4]);
  await writeFile(path('real.json'), JSON.stringify(real));
});
afterEach(() => {
  jest.restoreAllMocks();
});

const printed = (...args: string[]): Promise<string> =>
  runEval('-w', path('net.safetensors'), '--build', 'plain', '--threads', '1', '-b', '4', ...args);
const answer = async (...args: string[]) => JSON.parse(await printed(...args, '--json')) as Record<string, unknown>;
const set = (...args: string[]): string[] => ['-d', path('set'), ...args];
const flat = (...args: string[]): string[] => ['-d', path('flat'), '--labels', path('val.txt'), ...args];
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
const share = (hits: readonly boolean[]): number => hits.filter(Boolean).length / hits.length;
const images = Array.from({ length: IMAGES }, (_, i) => i);
const withoutSpeed = ({ images_per_second: _, data: __, split: ___, ...rest }: Record<string, unknown>) => rest;

describe('the classes', () => {
  test('of folders named by synsets are those of the logits', async () => {
    const scores = await answer(...set('--top', `${top}`));
    expect(scores).toMatchObject({ images: IMAGES, split: 'test', damaged: [], preparation: { protocol: 'weights' } });
    expect(scores['top1']).toBe(share(images.map((i) => rankings[i][0] === labelOf(i))));
    const hits = images.map(inTop);
    expect(hits).toContain(true);
    expect(hits).toContain(false);
    expect(scores[`top${top}`]).toBe(share(hits));
    expect(scores['loss']).toBeCloseTo(mean(losses), 12);
    // A million numbers.
    expect(scores).not.toHaveProperty('confusion');
    expect(Object.keys(scores['per_class'] as object)[7]).toBe(IMAGENET_CLASSES[7]);
  });

  test('are the same by lists of labels', async () => {
    const { loss, ...scores } = withoutSpeed(await answer(...set('--top', `${top}`)));
    for (const labels of ['val.txt', 'kit.txt']) {
      const found = await answer('-d', path('flat'), '--labels', path(labels), '--top', `${top}`);
      // The order of the sums differs.
      expect(withoutSpeed(found)).toEqual({ ...scores, loss: expect.closeTo(loss as number, 12) });
      expect(found).toMatchObject({ split: 'all' });
    }
  });

  test('must be in folders or in a list', async () => {
    await expect(printed('-d', path('flat'))).rejects.toMatchObject({
      hint: expect.stringMatching(/cat\/1\.jpg.* Or pass a list of their labels: --labels val\.txt\.$/) as unknown,
    });
    await expect(printed(...flat('--val-split', '0.5'))).rejects.toThrow(
      refusal(ParamError, '--val-split', 'images in folders of their classes', '--labels'),
    );
  });
});

test('ReaL labels count for the pictures that have some', async () => {
  const scores = await answer(...flat('--real-labels', path('real.json')));
  expect(scores).toMatchObject({ real_images: 7, real_top1: 3 / 7, real_top5: 5 / 7 });
  const text = await printed(...flat('--real-labels', path('real.json')));
  expect(text).toContain('\nReaL top-1 42.9%  top-5 71.4%  of 7 images\n');
  await writeFile(path('short.json'), '[[1]]');
  const short = flat('--real-labels', path('short.json'), '--csv', path('short.csv'));
  await expect(printed(...short)).rejects.toThrow(refusal(DataError, nameOf(1), 'a number from 1 to 1', '2'));
  // Before anything is computed.
  await expect(readFile(path('short.csv'))).rejects.toThrow();
});

test('the official protocol crops as it is told, and does not look at EXIF', async () => {
  const official = ['--protocol', 'official', '--crop-pct', '0.8'];
  const scores = await answer(...flat(...official));
  expect(scores).toMatchObject({ preparation: { protocol: 'official', crop_pct: 0.8 } });
  expect(scores['loss']).toBeCloseTo(mean(officialLosses), 12);
  expect(Math.abs(mean(officialLosses) - mean(losses))).toBeGreaterThan(1e-6);
  expect(await printed(...flat(...official))).toContain(
    '\nofficial protocol: short side to 50, center 40x40, bicubic, EXIF orientation ignored\n',
  );
  expect(await answer(...flat('--input-size', '33', '--protocol', 'official'))).toMatchObject({
    preparation: { input_size: [33, 33], crop_pct: 0.9 },
  });
  expect(await answer(...flat('--input-size', '33x35'))).toMatchObject({ preparation: { input_size: [33, 35] } });
});

describe('a damaged picture', () => {
  test('ends the evaluation with its name, or is left out and listed', async () => {
    const [bad, html] = [path('flat', nameOf(4)), path('flat', nameOf(6))];
    const [whole, other] = [await readFile(bad), await readFile(html)];
    await writeFile(bad, whole.subarray(0, whole.length / 2));
    try {
      await expect(printed(...flat())).rejects.toThrow(refusal(DataError, nameOf(4), 'a whole image', ''));
      await writeFile(html, '<html>');
      // By its first bytes, before anything is computed.
      await expect(printed(...flat())).rejects.toThrow(refusal(DataError, nameOf(6), 'a PNG, JPEG or WebP image', ''));
      const args = flat('--skip-damaged', '--top', `${top}`, '--csv', path('damaged.csv'));
      const scores = await answer(...args);
      const rest = images.filter((i) => i !== 4 && i !== 6);
      expect(scores).toMatchObject({
        ...{ images: 7, damaged: [nameOf(4), nameOf(6)], [`top${top}`]: share(rest.map(inTop)) },
        loss: expect.closeTo(mean(rest.map((i) => losses[i])), 12),
      });
      const rows = (await readFile(path('damaged.csv'), 'utf8')).split('\n');
      expect(rows[5].startsWith(`${nameOf(4)},${labelOf(4)},,,`)).toBe(true);
      const text = await printed(...args, '--resume');
      expect(text).toContain(`\nskipped 2 damaged: ${nameOf(4)}, ${nameOf(6)}\n`);
      expect(text).toContain(`\nall of it from ${path('damaged.csv')}\n`);
      for (const i of images) await writeFile(path('flat', nameOf(i)), 'no picture');
      await expect(printed(...flat('--skip-damaged'))).rejects.toThrow(
        refusal(DataError, 'eval', 'images that can be read', `none of ${IMAGES}, such as ${nameOf(0)}`),
      );
    } finally {
      for (const i of images) {
        const source = path('set', 'val', IMAGENET_SYNSETS[labelOf(i)], nameOf(i));
        await writeFile(path('flat', nameOf(i)), await readFile(source));
      }
      await writeFile(bad, whole);
      await writeFile(html, other);
    }
  });
});

describe('predictions', () => {
  let csv = '';
  let args: readonly string[] = [];
  beforeAll(() => {
    csv = path('predictions.csv');
    args = flat('--csv', csv, '--real-labels', path('real.json'));
  });

  test('are written image by image', async () => {
    const text = await printed(...args);
    expect(text.endsWith(`\n\nwrote ${csv}\n`)).toBe(true);
    const [head, ...rows] = (await readFile(csv, 'utf8')).trimEnd().split('\n');
    expect(head).toBe(
      'filename,label,index_0,index_1,index_2,index_3,index_4,prob_0,prob_1,prob_2,prob_3,prob_4,loss,label_name,name_0',
    );
    expect(rows).toHaveLength(IMAGES);
    rows.forEach((row, i) => {
      expect(row.startsWith(`${nameOf(i)},${labelOf(i)},${rankings[i].slice(0, 5).join(',')},`)).toBe(true);
      expect(row).toContain(`,${IMAGENET_CLASSES[labelOf(i)]},`);
    });
    expect(rows.map((row) => Number(row.split(',')[12]))).toEqual(
      losses.map((loss) => expect.closeTo(loss, 12) as unknown),
    );
  });

  test('are continued with the same bytes and scores', async () => {
    await rm(csv, { force: true });
    const whole = await answer(...args);
    const bytes = await readFile(csv);
    for (const rows of [0, 3, 4, 8, IMAGES]) {
      const lines = bytes.toString().split('\n');
      await writeFile(csv, `${lines.slice(0, rows + 1).join('\n')}\n`);
      if (rows < IMAGES) await appendFile(csv, 'ILSVRC');
      const again = await answer(...args, '--resume');
      expect(withoutSpeed(again)).toEqual(withoutSpeed(whole));
      expect(again['images_per_second'] === null).toBe(rows === IMAGES);
      expect(await readFile(csv)).toEqual(bytes);
    }
    await writeFile(csv, `${bytes.toString().split('\n').slice(0, 6).join('\n')}\n`);
    expect(await printed(...args, '--resume')).toContain(`continued after 4 of ${IMAGES} images in ${csv}\n`);
  });

  test('belong to weights, data and options', async () => {
    const network = JSON.parse(await readFile(`${csv}.json`, 'utf8')) as Record<string, unknown>;
    expect(network).toMatchObject({
      data: { images: IMAGES, split: 'all' },
      top: 5,
      backend: { name: 'wasm', build: 'plain' },
    });
    const other = drawnState(resolveConfig({ ...config, lambda: 1 }));
    const [[name, { data, shape }], ...rest] = other;
    await writeWeights(
      path('other.safetensors'),
      new Map([[name, { data: data.map((v) => 2 * v), shape }], ...rest]),
      config,
    );
    for (const [more, key] of [
      [['-w', path('other.safetensors')], 'weights.sha256'],
      [['--crop-pct', '0.5'], 'preparation.crop_pct'],
      [['--top', '4'], 'top 5'],
      [['-n', '8'], 'data.images 9'],
      [['--no-ema'], 'weights.ema true'],
      [['--backend', 'reference'], 'backend.name'],
    ] as const) {
      await expect(printed(...args, '--resume', ...more)).rejects.toThrow(refusal(ParamError, csv, key, ''));
    }
    await expect(printed(...args)).rejects.toThrow(refusal(ParamError, csv, 'does not exist yet', 'one that exists'));
    await expect(printed(...flat('--resume'))).rejects.toThrow(refusal(ParamError, '--resume', '--csv FILE', 'none'));
    await expect(printed(...flat('--csv', path('new.csv'), '-w', '-'))).rejects.toThrow(
      refusal(ParamError, 'stdin', 'weights in a file or at a URL, for --csv', 'a pipe'),
    );
    const list = path('list.csv');
    await writeFile(list, await readFile(path('val.txt')));
    await expect(printed('-d', path('flat'), '--labels', list, '--csv', list, '--resume')).rejects.toThrow(
      refusal(ParamError, list, 'an output that is not an input', list),
    );
  });
});

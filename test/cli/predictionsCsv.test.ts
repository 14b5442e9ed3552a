/** Predictions as CSV: rows, and what is continued, repaired and refused. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { access, appendFile, readFile, rm, writeFile } from 'node:fs/promises';
import { PredictionsCsv, type CsvOptions, type RankedImage } from '../../src/cli/predictionsCsv.js';
import { DataError, ParamError } from '../../src/core/errors.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();
const names = {
  files: ['a.png', 'b,"1".png', 'c\n.png', 'd.png', 'é.png'],
  labels: Int32Array.of(0, 1, 2, 1, 0),
  classNames: ['ant', 'tench, Tinca', 'cat'],
};
const settings = { weights: { sha256: '00', key: null }, top: 2 };
const HEAD = 'filename,label,index_0,index_1,prob_0,prob_1,loss,label_name,name_0\n';
const ROWS = [
  'a.png,0,1,0,0.75,0.25,1.3862943611198906,ant,"tench, Tinca"\n',
  '"b,""1"".png",1,1,2,0.3333333,1e-8,0,"tench, Tinca","tench, Tinca"\n',
  'c\\x0a.png,2,,,,,,cat,\n',
  'd.png,1,2,0,0.5,0.5,0.1,"tench, Tinca",cat\n',
  'é.png,0,0,2,1,0,0,ant,ant\n',
];
const ranked = (
  i: number,
  indices: readonly number[],
  probabilities: readonly number[],
  loss: number,
): RankedImage => ({
  ...{ file: names.files[i], label: names.labels[i], result: { indices, probabilities, loss } },
});
const IMAGES: readonly RankedImage[] = [
  ranked(0, [1, 0], [0.75, 0.25], 1.3862943611198906),
  ranked(1, [1, 2], [1 / 3, 1e-8], 0),
  { file: names.files[2], label: 2, result: null },
  ranked(3, [2, 0], [0.5, 0.5], 0.1),
  ranked(4, [0, 2], [1, 0], 0),
];

let file = '';
let count = 0;
beforeEach(() => {
  file = path(`${count++}.csv`);
});
const open = (more: Partial<CsvOptions> = {}) =>
  PredictionsCsv.open(file, names, { settings, k: 2, resume: false, batch: 1, ...more });
const content = (): Promise<string> => readFile(file, 'utf8');

async function write(count: number): Promise<void> {
  const csv = await open();
  await csv.append(IMAGES.slice(0, count));
  await csv.close();
}

/** What is kept of a file that is continued. */
async function resumed(batch = 1): Promise<readonly RankedImage[]> {
  const csv = await open({ resume: true, batch });
  await csv.close();
  return csv.former;
}

test('has a row for each image, whatever its name, with a description beside it', async () => {
  await write(3);
  expect(await content()).toBe([HEAD, ...ROWS.slice(0, 3)].join(''));
  expect(JSON.parse(await readFile(`${file}.json`, 'utf8'))).toEqual(settings);
  await expect(access(`${file}.lock`)).rejects.toThrow();
});

describe('continued', () => {
  test('yields the images that are there, and goes on with the same bytes', async () => {
    await write(3);
    const csv = await open({ resume: true });
    expect(csv.former).toEqual([IMAGES[0], ranked(1, [1, 2], [0.3333333, 1e-8], 0), IMAGES[2]]);
    await csv.append(IMAGES.slice(3));
    await csv.close();
    expect(await content()).toBe([HEAD, ...ROWS].join(''));
    expect(await resumed(3)).toHaveLength(5);
  });

  test('is begun if there is no file', async () => {
    await writeFile(`${file}.json`, '{"other": 1}');
    expect(await resumed()).toEqual([]);
    expect(await content()).toBe(HEAD);
    expect(await resumed()).toEqual([]);
  });

  test.each([1, 7, HEAD.length - 1])('is repaired after %d bytes of the head', async (length) => {
    await write(0);
    await writeFile(file, HEAD.slice(0, length));
    expect(await resumed()).toEqual([]);
    expect(await content()).toBe(HEAD);
  });

  test('is repaired after any part of a row, also in the middle of a character', async () => {
    await write(4);
    const whole = Buffer.from([HEAD, ...ROWS].join(''));
    const from = whole.length - Buffer.byteLength(ROWS[4]);
    for (let length = from; length < whole.length; length++) {
      await writeFile(file, whole.subarray(0, length));
      expect(await resumed()).toHaveLength(4);
      expect(await content()).toBe([HEAD, ...ROWS.slice(0, 4)].join(''));
    }
  });

  test.each([
    [2, 4, 4],
    [3, 4, 3],
    [2, 5, 5],
    [10, 4, 0],
  ])('keeps whole batches of %d of %d rows: %d', async (batch, rows, kept) => {
    await write(rows);
    expect(await resumed(batch)).toHaveLength(kept);
    expect(await content()).toBe([HEAD, ...ROWS.slice(0, kept)].join(''));
  });
});

describe('refuses', () => {
  test('a file that exists, unless it is to be continued', async () => {
    await write(2);
    await expect(open()).rejects.toThrow(refusal(ParamError, file, 'does not exist yet', 'one that exists'));
    expect(await content()).toBe([HEAD, ...ROWS.slice(0, 2)].join(''));
    await expect(access(`${file}.lock`)).rejects.toThrow();
  });

  test.each([
    [{ ...settings, top: 3 }, 'top 2, as when it was begun', '3'],
    [{ ...settings, weights: { sha256: '01', key: null } }, 'weights.sha256 "00"', '"01"'],
    [{ ...settings, weights: { sha256: '00', key: 'model' } }, 'weights.key null', '"model"'],
    [{ ...settings, protocol: 'official' }, 'protocol none', '"official"'],
    [{ weights: settings.weights }, 'top 2', 'none'],
    [{ ...settings, weights: null }, 'weights {"sha256":"00","key":null}', 'null'],
  ])('other settings: %j', async (other, expected, got) => {
    await write(2);
    await expect(open({ resume: true, settings: other })).rejects.toThrow(refusal(ParamError, file, expected, got));
    expect(await content()).toBe([HEAD, ...ROWS.slice(0, 2)].join(''));
  });

  test('a file without its description, or with a damaged one', async () => {
    await write(2);
    await writeFile(`${file}.json`, '[');
    await expect(resumed()).rejects.toMatchObject({ name: 'ParamError', op: `${file}.json` });
    await writeFile(`${file}.json`, '[]');
    await expect(resumed()).rejects.toMatchObject({
      name: 'ParamError',
      expected: expect.stringContaining('none') as unknown,
    });
    await rm(`${file}.json`);
    await expect(resumed()).rejects.toThrow(
      refusal(ParamError, `${file}.json`, `the description of ${file}`, 'no such file'),
    );
  });

  test.each([
    ['other columns', [HEAD.replace('loss', 'cost'), ROWS[0]], 1, 'the columns filename,'],
    ['another image', [HEAD, ROWS[1], ROWS[0]], 2, 'the predictions of a.png'],
    ['another label', [HEAD, ROWS[0].replace('a.png,0', 'a.png,1')], 2, 'the predictions of a.png'],
    ['a class that does not exist', [HEAD, ROWS[0].replace('0,1,0,', '0,3,0,')], 2, 'the predictions of a.png'],
    ['a value that is no number', [HEAD, ROWS[0].replace('0.75', 'x')], 2, 'the predictions of a.png'],
    ['more columns', [HEAD, ROWS[0].replace('\n', ',1\n')], 2, 'the predictions of a.png'],
    ['more rows', [HEAD, ...ROWS, ROWS[4]], 7, 'the end of the file'],
  ])('%s', async (_, rows, line, expected) => {
    await write(1);
    await writeFile(file, rows.join(''));
    await expect(resumed()).rejects.toThrow(refusal(DataError, `${file}: line ${line}`, expected, 'another one'));
    expect(await content()).toBe(rows.join(''));
  });

  test('a file that another process writes', async () => {
    const csv = await open();
    await expect(open({ resume: true })).rejects.toThrow(
      refusal(ParamError, `${file}.lock`, 'no other process that writes these predictions', `process ${process.pid}`),
    );
    await csv.close();
    await appendFile(file, 'a');
    expect(await resumed()).toEqual([]);
  });
});

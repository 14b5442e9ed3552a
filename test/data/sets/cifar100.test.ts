import { beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { DataError } from '../../../src/core/errors.js';
import type { Archive } from '../../../src/data/sets/archive.js';
import { cifarTitle, readCifar100 } from '../../../src/data/sets/cifar.js';
import { openDataset } from '../../../src/data/sets/open.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';
import { array, dict, int, list, pickle, str } from './pickleWriter.js';
import { tarOf } from './tarWriter.js';

const path = temporaryFolder();

type Members = Record<string, Uint8Array>;

const NAMES = Array.from({ length: 100 }, (_, i) => `class ${i}`);
const FINE = { train: [0, 99, 41], test: [7, 98] };
const COARSE = { train: [19, 0, 3], test: [1, 2] };

const pixelsOf = (records: number): Uint8Array => Uint8Array.from({ length: records * 3072 }, (_, i) => (i * 7) % 251);
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const batch = (fine: readonly number[], coarse: readonly number[], records = fine.length): Uint8Array =>
  pickle(
    dict({
      fine_labels: list(fine.map(int)),
      coarse_labels: list(coarse.map(int)),
      data: array([records, 3072], pixelsOf(records)),
    }),
  );

const records = (fine: readonly number[], coarse: readonly number[]): Uint8Array => {
  const pixels = pixelsOf(fine.length);
  return Uint8Array.from(fine.flatMap((label, i) => [coarse[i], label, ...pixels.subarray(i * 3072, (i + 1) * 3072)]));
};

const python: Members = {
  train: batch(FINE.train, COARSE.train),
  test: batch(FINE.test, COARSE.test),
  meta: pickle(dict({ fine_label_names: list(NAMES.map(str)), coarse_label_names: list([str('all')]) })),
};
const binary: Members = {
  'train.bin': records(FINE.train, COARSE.train),
  'test.bin': records(FINE.test, COARSE.test),
  'fine_label_names.txt': text(`${NAMES.join('\n')}\n\n`),
  'coarse_label_names.txt': text('all\n'),
};

const packed = (folder: string, members: Members): Uint8Array =>
  tarOf(Object.fromEntries(Object.entries(members).map(([name, data]) => [`${folder}/${name}`, data])));

async function unpack(folder: string, members: Members): Promise<void> {
  await mkdir(path(folder), { recursive: true });
  for (const [name, content] of Object.entries(members)) await writeFile(path(folder, name), content);
}

describe('CIFAR-100', () => {
  beforeAll(async () => {
    await unpack('one/cifar-100-python', python);
    await unpack('two/cifar-100-binary', binary);
    await unpack('renamed', python);
    await mkdir(path('three'));
    await writeFile(path('three', 'cifar-100-python.tar.gz'), gzipSync(packed('cifar-100-python', python)));
    await writeFile(path('b.tar'), packed('cifar-100-binary', binary));
  });

  test.each([
    'one',
    'one/cifar-100-python',
    'two',
    'two/cifar-100-binary',
    'renamed',
    'three',
    'three/cifar-100-python.tar.gz',
    'b.tar',
  ])('reads the fine classes of %s', async (source) => {
    for (const split of ['train', 'test'] as const) {
      const set = await openDataset(path(source), split);
      const n = FINE[split].length;
      expect({ ...set, images: [], labels: [...set.labels] }).toEqual({
        ...{ images: [], labels: FINE[split], n, channels: 3, height: 32, width: 32, classNames: NAMES },
      });
      expect(set.images).toEqual(pixelsOf(n));
    }
  });

  const without = (members: Members, name: string): Members =>
    Object.fromEntries(Object.entries(members).filter(([key]) => key !== name));
  const cases: [string, Members, string, string, string][] = [
    [
      'a fine label of 100',
      { ...python, train: batch([3, 100], [1, 1]) },
      'fine_labels',
      'from 0 to 99',
      '100 in record 1',
    ],
    ['a coarse label of 20', { ...python, train: batch([3], [20]) }, 'coarse_labels', 'from 0 to 19', '20 in record 0'],
    ['a fine byte of 100', { ...binary, 'train.bin': records([100], [1]) }, 'fine_labels', 'from 0 to 99', '100'],
    ['a coarse byte of 20', { ...binary, 'train.bin': records([1], [20]) }, 'coarse_labels', 'from 0 to 19', '20'],
    ['too few fine labels', { ...python, train: batch([3], [1, 1], 2) }, 'train', '2 labels', '1 under fine_labels'],
    ['too many coarse ones', { ...python, train: batch([3], [1, 1]) }, 'train', '1 labels', '2 under coarse_labels'],
    ['a cut file', { ...binary, 'train.bin': binary['train.bin'].subarray(1) }, 'train.bin', 'of 3074 bytes', '9221'],
    ['a cut pickle', { ...python, train: python.train.subarray(0, 3000) }, 'train', 'more bytes', 'truncated'],
    [
      'no labels',
      { ...python, train: pickle(dict({ data: int(1) })) },
      'train',
      'coarse_labels and fine_labels',
      'data',
    ],
    ['no training part', without(python, 'train'), '.tar', 'a member cifar-100-python/train', 'none of that name'],
    ['no names', without(python, 'meta'), '.tar', 'a member cifar-100-python/meta', 'none of that name'],
    ['few names', { ...binary, 'fine_label_names.txt': text('a\nb') }, 'fine_label_names', '100 class names', '2'],
  ];
  test.each(cases)('refuses %s', async (_, members, op, expected, got) => {
    await writeFile(path('bad.tar'), packed('cifar-100-python', members));
    await expect(openDataset(path('bad.tar'), 'train')).rejects.toThrow(refusal(DataError, op, expected, got));
  });

  test.each([
    ['C:\\data\\cifar-100-python', ['test', 'train'], 'CIFAR-100'],
    ['data/cifar-100-python//', ['test', 'train'], 'CIFAR-100'],
    ['a.tar', ['cifar-100-binary/', 'cifar-100-binary/test.bin', 'cifar-100-binary/train.bin'], 'CIFAR-100'],
    ['data', ['test', 'train'], null],
    ['data', ['meta', 'test', 'train'], 'CIFAR-100'],
  ])('of %s with %j the title is %s', (location, names, title) => {
    const read = (): Promise<Uint8Array> => Promise.reject(new Error('not read'));
    const archive: Archive = { path: location, names, brokenLinks: new Map(), onDisk: true, read };
    expect(cifarTitle(archive)).toBe(title);
  });

  test('refuses another archive', async () => {
    await writeFile(path('other.tar'), tarOf({ 'a/train': 'x' }));
    await expect(readCifar100(path('other.tar'), 'train')).rejects.toThrow(
      refusal(DataError, path('other.tar'), 'batches of CIFAR-100 (train or train.bin)', 'a/train'),
    );
  });
});

import { describe, expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { DataError } from '../../../src/core/errors.js';
import { readCifar10 } from '../../../src/data/sets/cifar.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';
import { array, dict, int, list, pickle, scalar, str, tuple } from './pickleWriter.js';
import { describeWith, SHARED } from './sharedData.js';
import { tarOf } from './tarWriter.js';

const path = temporaryFolder();

const STANDARD = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];
const BATCHES = ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5', 'test_batch'];

type Members = Record<string, Uint8Array>;

const pixelsOf = (records: number, seed: number): Uint8Array =>
  Uint8Array.from({ length: records * 3072 }, (_, i) => (i * 7 + seed * 13) % 251);
const labelsOf = (records: number, seed: number): number[] =>
  Array.from({ length: records }, (_, i) => (i + seed) % 10);

const batch = (labels: readonly number[], data: number[]): Uint8Array =>
  pickle(dict({ batch_label: str('one'), labels: list(labels.map(int)), data }));

/** Batches of 1, 2, … 6 records: readers may not assume a size. */
const python: Readonly<Members> = Object.fromEntries(
  BATCHES.map((name, i) => [name, batch(labelsOf(i + 1, i), array([i + 1, 3072], pixelsOf(i + 1, i)))]),
);

const binary: Readonly<Members> = Object.fromEntries(
  BATCHES.map((name, i) => {
    const [labels, pixels] = [labelsOf(i + 1, i), pixelsOf(i + 1, i)];
    const records = labels.flatMap((label, r) => [label, ...pixels.subarray(r * 3072, (r + 1) * 3072)]);
    return [`${name}.bin`, Uint8Array.from(records)];
  }),
);

const packed = (folder: string, members: Members): Uint8Array =>
  gzipSync(tarOf(Object.fromEntries(Object.entries(members).map(([name, data]) => [folder + name, data]))), {
    level: 1,
  });

async function write(name: string, folder: string, members: Members): Promise<string> {
  await writeFile(path(name), packed(folder, members));
  return path(name);
}

describe('small batches', () => {
  test('are the same set in every layout and archive format', async () => {
    await mkdir(path('parent', 'cifar-10-batches-py'), { recursive: true });
    for (const [name, content] of Object.entries(python)) {
      await writeFile(path('parent', 'cifar-10-batches-py', name), content);
    }
    const sources = [
      await write('p.tar.gz', 'cifar-10-batches-py/', python),
      await write('b.tar.gz', 'cifar-10-batches-bin/', binary),
      await write('flat.tar.gz', '', binary),
      path('parent'),
      path('parent', 'cifar-10-batches-py'),
    ];
    for (const source of sources) {
      const train = await readCifar10(source, 'train');
      expect({ ...train, images: train.images.length, labels: [...train.labels] }).toEqual({
        images: 15 * 3072,
        labels: [1, 2, 3, 4, 5].flatMap((n) => labelsOf(n, n - 1)),
        n: 15,
        channels: 3,
        height: 32,
        width: 32,
        classNames: STANDARD,
      });
      expect(train.images.subarray(3072, 3 * 3072)).toEqual(pixelsOf(2, 1));
      const testSet = await readCifar10(source, 'test');
      expect([testSet.n, ...testSet.labels]).toEqual([6, ...labelsOf(6, 5)]);
      expect(testSet.images).toEqual(pixelsOf(6, 5));
    }
  });

  const integers = (values: readonly number[], width: number): Uint8Array =>
    Uint8Array.from(values.flatMap((value) => [value, ...Array<number>(width - 1).fill(0)]));

  test.each<[string, (labels: readonly number[]) => number[]]>([
    ['a tuple', (labels) => tuple(...labels.map(int))],
    ['an array of int64', (labels) => array([labels.length], integers(labels, 8), 'i8', '<')],
    ['an array of int32', (labels) => array([labels.length], integers(labels, 4), 'i4', '<')],
    ['an array of uint8', (labels) => array([labels.length], integers(labels, 1))],
    ['scalars of numpy', (labels) => list(labels.map((label) => scalar(integers([label], 8), 'i8')))],
  ])('may have labels in %s', async (_, labelsAs) => {
    const labels = [3, 0, 9];
    const bytes = pickle(dict({ labels: labelsAs(labels), data: array([3, 3072], pixelsOf(3, 5)) }));
    const source = await write('labels.tar.gz', 'x/', { ...python, test_batch: bytes });
    const testSet = await readCifar10(source, 'test');
    expect([[...testSet.labels], testSet.images]).toEqual([labels, pixelsOf(3, 5)]);
  });

  test('may have their own class names', async () => {
    const own = STANDARD.map((name) => name.toUpperCase());
    const meta = pickle(dict({ label_names: list(own.map(str)) }));
    const one = await write('own.tar.gz', 'x/', { ...python, 'batches.meta': meta });
    expect((await readCifar10(one, 'test')).classNames).toEqual(own);
    const lines = new TextEncoder().encode(`${own.join('\r\n')}\n\n`);
    const two = await write('lines.tar.gz', 'x/', { ...binary, 'batches.meta.txt': lines });
    expect((await readCifar10(two, 'test')).classNames).toEqual(own);
  });
});

describe('refuses', () => {
  const without = (members: Members, name: string): Members =>
    Object.fromEntries(Object.entries(members).filter(([key]) => key !== name));
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const changed = (at: number, value: number): Uint8Array => {
    const bytes = Uint8Array.from(binary['data_batch_2.bin']);
    bytes[at] = value;
    return bytes;
  };

  const two = 'data_batch_2';
  const bin = 'data_batch_2.bin';
  const cases: [string, Members, string, string, string][] = [
    ['no batches', { 'readme.html': text('hello') }, '.tar.gz', 'batches of CIFAR-10', 'readme.html'],
    ['a missing batch', without(python, two), '.tar.gz', `a member c/${two}`, 'none of that name'],
    ['a missing file', without(binary, bin), '.tar.gz', `a member c/${bin}`, 'none of that name'],
    ['half a record', { ...binary, [bin]: binary[bin].subarray(0, -1) }, bin, 'records of 3073', '6145 bytes'],
    ['CIFAR-100 records', { ...binary, [bin]: new Uint8Array(3074) }, bin, 'records of 3073', '3074 bytes'],
    ['an empty file', { ...binary, [bin]: new Uint8Array(0) }, bin, 'records of 3073', '0 bytes'],
    ['a label of 10', { ...binary, [bin]: changed(3073, 10) }, bin, 'labels from 0 to 9', '10 in record 1'],
    [
      'a pickled label of 10',
      { ...python, [two]: batch([1, 10], array([2, 3072], pixelsOf(2, 1))) },
      two,
      'labels from 0 to 9',
      '10 in record 1',
    ],
    [
      'a negative label',
      { ...python, [two]: batch([-1, 3], array([2, 3072], pixelsOf(2, 1))) },
      two,
      'labels from 0 to 9',
      '-1 in record 0',
    ],
    [
      'too few labels',
      { ...python, [two]: batch([1], array([2, 3072], pixelsOf(2, 1))) },
      two,
      '2 labels, one for each image',
      '1',
    ],
    [
      'another shape',
      { ...python, [two]: batch([1], array([1, 100], new Uint8Array(100))) },
      two,
      'data [n,3072]',
      '[1,100]',
    ],
    [
      'pixels of int8',
      { ...python, [two]: batch([1], array([1, 3072], pixelsOf(1, 1), 'i1')) },
      two,
      'data of uint8 (u1)',
      'i1',
    ],
    [
      'labels in two dimensions',
      {
        ...python,
        [two]: pickle(dict({ labels: array([1, 1], Uint8Array.of(1)), data: array([1, 3072], pixelsOf(1, 1)) })),
      },
      two,
      'a list or an array under labels',
      'labels, data',
    ],
    ['a flat array', { ...python, [two]: batch([1], array([3072], pixelsOf(1, 1))) }, two, 'data [n,3072]', '[3072]'],
    [
      'no images',
      { ...python, [two]: batch([], array([0, 3072], new Uint8Array(0))) },
      two,
      'data [n,3072]',
      '[0,3072]',
    ],
    [
      'CIFAR-100 keys',
      { ...python, [two]: pickle(dict({ fine_labels: list([int(1)]), data: array([1, 3072], pixelsOf(1, 1)) })) },
      two,
      'a list or an array under labels',
      'fine_labels, data',
    ],
    ['no dictionary', { ...python, [two]: pickle(list([int(1)])) }, two, 'a dictionary', ''],
    ['a truncated pickle', { ...python, [two]: python[two].subarray(0, 2000) }, two, 'more bytes', 'truncated'],
    [
      'a pickle that would run a command',
      { ...python, [two]: Uint8Array.from([0x80, 2, ...text('cos\nsystem\n'), ...text('(U\x02lstR.')]) },
      two,
      'nothing but data',
      'os.system',
    ],
    ['nine names', { ...binary, 'batches.meta.txt': text('a\nb') }, 'batches.meta.txt', '10 class names', '2'],
    [
      'names of no text',
      { ...python, 'batches.meta': pickle(dict({ label_names: list([int(1)]) })) },
      'batches.meta',
      '10',
      '0',
    ],
    ['no names', { ...python, 'batches.meta': pickle(dict({ other: int(1) })) }, 'batches.meta', 'label_names', 'none'],
  ];

  test.each(cases)('%s', async (_, members, op, expected, got) => {
    const archive = await write('bad.tar.gz', 'c/', members);
    await expect(readCifar10(archive, 'train')).rejects.toThrow(refusal(DataError, op, expected, got));
  });

  test('a truncated archive', async () => {
    await writeFile(path('cut.tar.gz'), packed('c/', binary).subarray(0, -100));
    await expect(readCifar10(path('cut.tar.gz'), 'train')).rejects.toThrow(
      refusal(DataError, path('cut.tar.gz'), 'whole gzip data', 'truncated'),
    );
  });
});

describeWith(['cifar-10-1k-python.tar.gz', 'cifar-10-1k-binary.tar.gz'], 'the real CIFAR-10, in part', () => {
  test('both layouts have the same content', async () => {
    for (const split of ['train', 'test'] as const) {
      const fromPickles = await readCifar10(`${SHARED}/cifar-10-1k-python.tar.gz`, split);
      const fromRecords = await readCifar10(`${SHARED}/cifar-10-1k-binary.tar.gz`, split);
      expect(fromPickles.n).toBe(split === 'train' ? 5000 : 1000);
      expect(fromPickles.classNames).toEqual(STANDARD);
      expect(fromRecords.classNames).toEqual(STANDARD);
      expect(Buffer.compare(fromPickles.images, fromRecords.images)).toBe(0);
      expect([...fromPickles.labels]).toEqual([...fromRecords.labels]);
      if (split === 'test') expect([...fromPickles.labels.subarray(0, 10)]).toEqual([3, 8, 8, 0, 6, 6, 1, 6, 3, 1]);
    }
  });
});

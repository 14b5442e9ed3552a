/** Readers of data sets and images: tar, gzip, CIFAR, pickles, image files and folders, answers to downloads. */
import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { decodeImage } from '../../../src/data/decode/image.js';
import { checkHead } from '../../../src/data/decode/imageHead.js';
import type { Archive } from '../../../src/data/sets/archive.js';
import { openArchive } from '../../../src/data/sets/archive.js';
import { readCifar } from '../../../src/data/sets/cifar.js';
import { download } from '../../../src/data/sets/download.js';
import { gunzipArchive } from '../../../src/data/sets/gunzipArchive.js';
import { openImageFolder } from '../../../src/data/sets/imageFolder.js';
import { readPickle } from '../../../src/data/sets/pickle.js';
import { readGroundTruth, readRealLabels } from '../../../src/data/sets/groundTruth.js';
import { IMAGENET_SYNSETS } from '../../../src/data/sets/imagenetSynsets.js';
import { readTar } from '../../../src/data/sets/tar.js';
import { TarTree } from '../../../src/data/sets/tarTree.js';
import { imageInfo } from '../../../src/image/imageInfo.js';
import {
  cifarPickle,
  exif,
  paxRecord,
  png,
  PNG_MAGIC,
  pngChunk,
  sealTarHeader,
  tar,
  type TarEntry,
} from '../formats.js';
import { lazy } from '../lazy.js';
import { bytesOfText, concat, mutateBytes, type Field } from '../mutateBytes.js';
import type { Random } from '../random.js';
import { drawAnswer } from '../answers.js';
import { reader, type Target } from '../target.js';

const BLOCK = 512;
const text = bytesOfText;

const pixel = png(2, 2);

/** Archives with files, folders, links, PAX records and long names of GNU. */
const TARS: readonly (readonly TarEntry[])[] = [
  [
    { name: 'train/', type: '5' },
    { name: 'train/cat/1.png', data: pixel },
    { name: 'train/dog/2.png', data: pixel },
    { name: 'val/cat/3.png', data: pixel },
  ],
  [
    { name: 'pax', type: 'x', data: concat(paxRecord('path', 'a/é ü/1 2.png'), paxRecord('mtime', '1.5')) },
    { name: 'short', data: pixel },
    { name: 'global', type: 'g', data: paxRecord('comment', 'x=y z') },
    { name: 'b/2.png', data: pixel },
    { name: 'b/3.png', type: '1', link: 'b/2.png' },
    { name: 'b/4.png', type: '2', link: '2.png' },
    { name: 'd', type: '2', link: 'b' },
    { name: 'b/up', type: '2', link: '../d/../a' },
  ],
  [
    { name: '././@LongLink', type: 'L', data: text(`c/${'x'.repeat(120)}.png\0`) },
    { name: 'c/x', data: pixel },
    { name: '././@LongLink', type: 'K', data: text('c/y\0') },
    { name: 'c/z', type: '2', link: 'y' },
  ],
];

const TAR_FILES = TARS.map(tar);

const TAR_WORDS = [
  '../',
  '/',
  './',
  '\0',
  'ustar\x0000',
  'ustar  \0',
  '0000000',
  '77777777777',
  '5',
  '1',
  '2',
  'x',
  'g',
  'L',
  'K',
  'S',
]
  .concat(['11 path=a\n', '30 path=', '9 size=9\n', '99999999999 path=x\n', ' ', 'C:\\'])
  .map(text);

/** Fields of every header: sizes, checksums, types, and the first bytes of names. */
const tarFields = (file: Uint8Array): Field[] =>
  Array.from({ length: Math.floor(file.length / BLOCK) }, (_, block) => BLOCK * block).flatMap((at): Field[] => [
    ...[0, 124, 128, 132, 148, 156, 157, 257, 345].map((offset): Field => ({ at: at + offset, width: 1 })),
  ]);

/** A damaged archive; mostly with right checksums, so that more than those is tested. */
function drawTar(random: Random): Uint8Array {
  const file = random.pick(TAR_FILES);
  const bytes = mutateBytes(random, file, { fields: tarFields(file), words: TAR_WORDS, others: TAR_FILES });
  if (random.chance(0.7)) {
    for (let at = 0; at + BLOCK <= bytes.length; at += BLOCK) {
      const header = bytes.subarray(at, at + BLOCK);
      if (String.fromCharCode(...header.subarray(257, 262)) === 'ustar') sealTarHeader(header);
    }
  }
  return bytes;
}

const GZIPS = [...TAR_FILES, new Uint8Array(100_000), text('hello')].map((file) => new Uint8Array(gzipSync(file)));

const PIXELS = 3072;
const LABELS = { cifar10: 'labels', cifar100: 'fine_labels' } as const;

const PICKLES = [cifarPickle(1, 3, 'labels'), cifarPickle(2, 2, 'fine_labels'), cifarPickle(3, 40, 'labels')];
const PICKLE_OPS = [
  'N',
  '\x88',
  'K\x01',
  'M\x00\x0c',
  'J\xff\xff\xff\x7f',
  '\x8a\x06123456',
  'U\x03abc',
  'T\xff\xff\xff\xff',
  'X\x01\x00\x00\x00a',
]
  .concat([
    ']',
    ')',
    '}',
    '\x85',
    '\x86',
    '(',
    't',
    'l',
    'h\x01',
    'h\x03',
    'q\x05',
    '\x94',
    'R',
    'b',
    'a',
    'e',
    's',
    'u',
    '.',
    '\x95\x08\0\0\0\0\0\0\0',
  ])
  .concat(['cnumpy\nndarray\n', 'cos\nsystem\n', 'cnumpy.core.numeric\n_frombuffer\n', '\x8c\x02u1', '\x89'])
  .map((each) => Uint8Array.from(each, (letter) => letter.charCodeAt(0)));

/** One array and many references to it: what copies each of them grows beyond the file. */
function references(random: Random): Uint8Array {
  const side = random.integer(10, 60);
  const array = cifarPickle(side, side, 'labels');
  const start = array.indexOf(0x5d);
  const copies = Array.from({ length: random.integer(1, 300) }, () => Uint8Array.from([0x68, 3, 0x61]));
  return concat(array.subarray(0, start + 1), ...copies, text('u.'));
}

const drawPickle = (random: Random): Uint8Array =>
  mutateBytes(random, random.chance(0.05) ? references(random) : random.pick(PICKLES), {
    words: PICKLE_OPS,
    others: PICKLES,
  });

const archiveOf = (files: ReadonlyMap<string, Uint8Array>): Archive => ({
  path: 'archive.tar',
  onDisk: false,
  names: [...files.keys()].sort(),
  brokenLinks: new Map(),
  read: (name) => Promise.resolve(files.get(name) ?? new Uint8Array(0)),
});

const record = (labels: number): Uint8Array => Uint8Array.from({ length: labels + PIXELS }, (_, i) => i % 10);

/** The members of the test batch of CIFAR-10 or CIFAR-100. */
const CIFAR_MEMBERS: readonly { readonly name: string; readonly data: Uint8Array; readonly meta?: string }[] = [
  { name: 'cifar-10-batches-bin/test_batch.bin', data: concat(record(1), record(1)) },
  { name: 'cifar-100-binary/test.bin', data: record(2), meta: 'cifar-100-binary/fine_label_names.txt' },
  { name: 'cifar-10-batches-py/test_batch', data: cifarPickle(1, PIXELS, LABELS.cifar10) },
  { name: 'cifar-100-python/test', data: cifarPickle(1, PIXELS, LABELS.cifar100), meta: 'cifar-100-python/meta' },
];

const NAMES = text(Array.from({ length: 100 }, (_, i) => `class ${i}\n`).join(''));

function readCifarMember(bytes: Uint8Array, random: Random): Promise<unknown> {
  const { name, meta } = random.pick(CIFAR_MEMBERS);
  const files = new Map([[name, bytes]]);
  if (meta !== undefined) files.set(meta, mutateBytes(random, NAMES));
  return readCifar(archiveOf(files), 'test');
}

/** Small images of every format, with EXIF and a profile. */
const imageFiles = lazy(async (): Promise<readonly Uint8Array[]> => {
  const gray = sharp({ create: { width: 5, height: 3, channels: 3, background: '#c08040' } });
  const encoded = [
    gray.clone().jpeg().withMetadata({ orientation: 6 }),
    gray.clone().jpeg({ progressive: true, quality: 40 }),
    gray.clone().toColorspace('cmyk').jpeg(),
    gray.clone().webp({ lossless: true }),
    gray.clone().webp().withMetadata({ orientation: 3 }),
    gray.clone().png({ palette: true }),
    gray.clone().toColorspace('b-w').png(),
  ];
  const files = await Promise.all(encoded.map((each) => each.toBuffer()));
  return [...files.map((file) => new Uint8Array(file)), png(3, 4)];
});

const IMAGE_WORDS = [
  'IHDR',
  'eXIf',
  'tRNS',
  'VP8X',
  'VP8L',
  'VP8 ',
  'EXIF',
  'RIFF',
  'WEBP',
  'Exif\0\0',
  'MM\0*',
  'II*\0',
  'JFIF\0',
]
  .map(text)
  .concat(
    [
      [0xff, 0xd8],
      [0xff, 0xda],
      [0xff, 0xc0],
      [0xff, 0xc2],
      [0xff, 0xe1],
      [0xff, 0xd9],
    ].map((each) => Uint8Array.from(each)),
  );

/** A PNG whose chunks are damaged before their checksums are computed. */
function drawPng(random: Random): Uint8Array {
  const header = mutateBytes(random, Uint8Array.from([0, 0, 0, 2, 0, 0, 0, 2, 8, 2, 0, 0, 0]), {}, 1);
  const tiff = mutateBytes(random, exif(random.integer(0, 9)), {}, random.integer(0, 2));
  return concat(PNG_MAGIC, pngChunk('IHDR', header), pngChunk('eXIf', tiff), pixel.subarray(pixel.length - 40));
}

async function drawImage(random: Random): Promise<Uint8Array> {
  if (random.chance(0.15)) return drawPng(random);
  const files = await imageFiles();
  return mutateBytes(random, random.pick(files), { words: IMAGE_WORDS, others: files });
}

const FOLDER_NAMES = [
  'train/cat/1.png',
  'train/cat/2.jpg',
  'train/dog/3.png',
  'val/cat/4.png',
  'val/dog/5.png',
  'cat/1.png',
].concat([
  'dog/2.png',
  'labels.csv',
  'cat/Thumbs.db',
  'caf\u00e9/1.png',
  'cafe\u0301/2.png',
  'test/cat/',
  'Training/a/1.png',
  '.hidden/x.png',
]);

/** An image folder in an archive, with some names that are odd and a damaged image. */
async function readFolder(bytes: Uint8Array, random: Random): Promise<unknown> {
  const files = new Map<string, Uint8Array>();
  for (let i = random.integer(2, 9); i > 0; i--)
    files.set(random.pick(FOLDER_NAMES), random.chance(0.2) ? bytes : pixel);
  const split = random.pick(['train', 'val', 'test'] as const);
  const options = { size: [4, 4] as const, split, onBadImage: random.pick(['fail', 'skip'] as const) };
  return openImageFolder(archiveOf(files), random.chance(0.3) ? { ...options, valSplit: 0.5 } : options);
}

const file = lazy(() => join(mkdtempSync(join(tmpdir(), 'data-')), 'archive.tar.gz'));

function readArchiveFile(bytes: Uint8Array): Promise<unknown> {
  writeFileSync(file(), bytes);
  return openArchive(file());
}

/** A download of a small file from a server that answers anything. */
async function readAnswer(bytes: Uint8Array, random: Random): Promise<unknown> {
  const { fetch } = globalThis;
  const path = join(mkdtempSync(join(tmpdir(), 'download-')), 'file');
  globalThis.fetch = () => Promise.resolve(drawAnswer(random, bytes));
  try {
    const { existed, resumedFrom } = await download(
      { url: 'http://host/file', md5: createHash('md5').update(bytes).digest('hex') },
      path,
      {
        stallMs: 200,
      },
    );
    return { existed, resumedFrom };
  } finally {
    globalThis.fetch = fetch;
  }
}

/** Lists an archive as the tree that it unpacks to, and reads its files. */
async function readTree(bytes: Uint8Array): Promise<readonly string[]> {
  const tree = new TarTree(await readTar(bytes, 'archive.tar'), 'archive.tar');
  const { names, brokenLinks } = tree.list();
  for (const name of names) if (!name.endsWith('/') && !brokenLinks.has(name)) tree.read(name);
  return names;
}

const MIB = 2 ** 20;

/** zlib and sharp allocate buffers of their own; a gzip may grow to 64 MiB. */
const UNZIP = { allowance: 70 * MIB };
/** The threads of libvips share a buffer for the reasons of errors, so that those differ from call to call. */
const DECODE = { allowance: 64 * MIB, isDeterministic: false };

const LABEL_LISTS = [
  'ILSVRC2012_val_00000001.JPEG 65\nval/b.png\t970\nc n01440764\n',
  'ImageId,PredictionString\na,n01443537 85 1 499 272\n"b","bald eagle"\n',
  '490\n361\n1000\n1\n',
  '0\n999\n',
].map(text);
const LABEL_WORDS = [
  '\n',
  '\r\n',
  ',',
  '"',
  '0',
  '1000',
  '1001',
  '99999999999999999999',
  'n01440764',
  '-1',
  '1e3',
  '\0',
  '\ufeff',
];
const labelsFile = lazy(() => join(mkdtempSync(join(tmpdir(), 'labels-')), 'labels.txt'));
const NAMED = ['ILSVRC2012_val_00000001.JPEG', 'x/b.png', 'c'];

/** The labels of some pictures in a list. */
async function readLabels(bytes: Uint8Array) {
  writeFileSync(labelsFile(), bytes);
  return NAMED.map(await readGroundTruth(labelsFile(), IMAGENET_SYNSETS));
}

const REAL = ['[[0,2],[],[999]]', '[]', '{"a":[1]}'].map(text);
const REAL_WORDS = ['[', ']', ',', '-1', '1000', '0.5', 'null', '{}', '1e400'];

async function readReal(bytes: Uint8Array) {
  writeFileSync(labelsFile(), bytes);
  return (await readRealLabels(labelsFile(), 1000))('ILSVRC2012_val_00000001.JPEG');
}

export const targets: readonly Target[] = [
  reader(
    'data.labels',
    (random) => mutateBytes(random, random.pick(LABEL_LISTS), { words: LABEL_WORDS.map(text) }),
    readLabels,
  ),
  reader(
    'data.realLabels',
    (random) => mutateBytes(random, random.pick(REAL), { words: REAL_WORDS.map(text) }),
    readReal,
  ),
  reader('data.tar', drawTar, readTree),
  reader(
    'data.gzip',
    (random) => mutateBytes(random, random.pick(GZIPS), { others: GZIPS }),
    (bytes) => gunzipArchive('a.tar.gz', bytes),
    UNZIP,
  ),
  reader(
    'data.archive',
    (random) => mutateBytes(random, random.pick(GZIPS), {}, random.integer(0, 1)),
    readArchiveFile,
    UNZIP,
  ),
  reader('data.pickle', drawPickle, (bytes) => readPickle(bytes, 'batch')),
  reader(
    'data.cifar',
    (random) => mutateBytes(random, random.pick(CIFAR_MEMBERS).data, { words: PICKLE_OPS }),
    readCifarMember,
  ),
  reader('data.imageHead', drawImage, (bytes) => {
    checkHead(bytes, 'image');
  }),
  reader('data.imageInfo', drawImage, (bytes) => imageInfo(bytes)),
  reader('data.decodeImage', drawImage, (bytes) => decodeImage(bytes, 'image'), DECODE),
  reader('data.imageFolder', drawImage, readFolder, DECODE),
  reader('data.download', (random) => random.bytes(random.integer(0, 100)), readAnswer, { isDeterministic: false }),
];

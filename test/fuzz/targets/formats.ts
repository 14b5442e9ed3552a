/** Readers of files of other frameworks. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { sizeOf } from '../../../src/core/tensor.js';
import { bytesAccess } from '../../../src/formats/fileAccess.js';
import type { ForeignFile } from '../../../src/formats/foreignFile.js';
import { openKeras, openKerasArchive } from '../../../src/formats/keras.js';
import { openPaddle } from '../../../src/formats/paddle.js';
import { readForeign } from '../../../src/formats/openForeign.js';
import { readState, recognize } from '../../../src/formats/recognize.js';
import { openTorchLegacy } from '../../../src/formats/torchLegacy.js';
import { openZip } from '../../../src/formats/zip.js';
import { array, scalar } from '../../data/sets/pickleWriter.js';
import { SharedThread } from '../../formats/sharedThread.js';
import { call, checkpoint, dict, int, legacy, list, pickle, str, tensor } from '../../formats/torchPickles.js';
import { zip } from '../../formats/torchZip.js';
import { lazy } from '../lazy.js';
import { bytesOfText, mutateBytes, type Field } from '../mutateBytes.js';
import type { Random } from '../random.js';
import { drawOnnx } from './onnxGraphs.js';
import { reader, type Target } from '../target.js';

const STATE = dict({
  w: tensor(),
  t: tensor({ shape: [3, 2], strides: [1, 3] }),
  e: tensor({ shape: [4, 2], strides: [0, 1], offset: 2 }),
  p: call(
    'torch._utils._rebuild_parameter',
    tensor({ shape: [6], strides: [1] }),
    [0x88],
    call('collections.OrderedDict'),
  ),
});
const NAMESPACE = [...call('argparse.Namespace'), ...dict({ model: str('vanillanet_5'), drop: int(0) }), 0x62];
const CHECKPOINT = dict({ model: STATE, epoch: int(3), args: NAMESPACE, optimizer: dict({ state: list([tensor()]) }) });

const LONG = new Uint8Array(5000).fill(7);
const FLOATS = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
const PADDLE = dict({
  w: array([2, 3], FLOATS, 'f4', '<'),
  f: array([2, 3], FLOATS, 'f4', '<', true),
  t: call('builtins.tuple', [0x28, ...str('linear_0.w_0'), ...array([6], FLOATS, 'f4', '<'), 0x74]),
  d: call('builtins.eval', str('data'), dict({ data: array([6], FLOATS, 'f4', '<') })),
  long: array([5000], LONG, 'u1'),
  rate: scalar(new Uint8Array(8), 'f8'),
  'a@@.0': array([3], FLOATS.subarray(0, 12), 'f4', '<'),
  'a@@.1': array([3], FLOATS.subarray(12), 'f4', '<'),
  'UnpackBigParamInfor@@': dict({
    a: dict({ OriginShape: [0x4b, 3, 0x4b, 2, 0x86], slices: list([str('a@@.0'), str('a@@.1')]) }),
  }),
});

const WORDS = [
  'N',
  'K\x01',
  'J\xff\xff\xff\x7f',
  'J\xff\xff\xff\xff',
  'G\x7f\xf0\0\0\0\0\0\0',
  '\x8a\x08\0\0\0\0\0\0\0\x40',
]
  .concat([
    'U\x03abc',
    'T\xff\xff\xff\x7f',
    'X\x01\0\0\0a',
    '\x8e\0\0\0\0\0\0\0\x40',
    ']',
    ')',
    '}',
    '\x85',
    '\x86',
    '\x87',
  ])
  .concat([
    '(',
    't',
    'l',
    'd',
    'o',
    '0',
    '1',
    '2',
    'q\x05',
    'h\x05',
    '\x94',
    'R',
    '\x81',
    '\x92',
    'b',
    'a',
    'e',
    's',
    'u',
    '.',
  ])
  .concat(['Q', '\x8f', '\x90', '\x91', '\x93', '\x95\x08\0\0\0\0\0\0\0', '\x82\x01', 'ctorch\nFloatStorage\n'])
  .concat(['ctorch._utils\n_rebuild_tensor_v2\n', 'cos\nsystem\n', '(icollections\nOrderedDict\n', 'cnumpy\ndtype\n'])
  .map((each) => Uint8Array.from(each, (letter) => letter.charCodeAt(0)));

const damaged = (random: Random, instructions: number[]): number[] =>
  Array.from(mutateBytes(random, Uint8Array.from(instructions), { words: WORDS }));

const ZIP_WORDS = ['PK\x03\x04', 'PK\x01\x02', 'PK\x05\x06', 'PK\x06\x06', 'PK\x06\x07', '\xff\xff\xff\xff'].map(
  bytesOfText,
);
const ZIPS = [
  checkpoint(CHECKPOINT),
  zip([
    { name: 'a/b', data: new Uint8Array(1000), isDeflated: true },
    { name: 'c', data: LONG, isLarge: true },
  ]),
  zip([{ name: 'c', data: FLOATS }], { has64: false, comment: 'a comment' }),
];

/** Numbers of the last records, in which a reader begins. */
const zipFields = (file: Uint8Array): Field[] =>
  [6, 10, 14, 22, 30, 42, 50, 58, 66, 74, 90, 98].map((back) => ({ at: Math.max(0, file.length - back), width: 4 }));

function drawZip(random: Random): Uint8Array {
  const file = random.pick(ZIPS);
  return mutateBytes(random, file, { words: ZIP_WORDS, fields: zipFields(file), others: ZIPS });
}

/** Whole archives with damaged pickles, and damaged archives. */
function drawTorch(random: Random): Uint8Array {
  if (random.chance(0.2)) return drawZip(random);
  const isDeflated = random.chance(0.2);
  const data = pickle(damaged(random, random.chance(0.5) ? CHECKPOINT : STATE));
  return checkpoint(CHECKPOINT, [{ name: 'net/data.pkl', data, isDeflated }]);
}

function drawLegacy(random: Random): Uint8Array {
  if (random.chance(0.5)) return mutateBytes(random, legacy(CHECKPOINT), { words: WORDS });
  return legacy(damaged(random, STATE));
}

const drawPaddle = (random: Random): Uint8Array => pickle(damaged(random, PADDLE));

/** Files that Keras and h5py have written; the bundle of this program is in dist/fuzz. */
const kerasFile = (name: string): Uint8Array => {
  const file = new URL(`../../test/formats/fixtures/keras/${name}.gz`, import.meta.url);
  // No Buffer, whose parts share its memory.
  return new Uint8Array(gunzipSync(readFileSync(file)));
};
const KERAS = lazy(() =>
  ['5_deploy.h5', 'deploy.weights.h5', 'whole_deploy.h5', 'latest.h5', 'cycle.h5'].map(kerasFile),
);
const KERAS_ARCHIVE = lazy(() => kerasFile('keras3.keras'));
/** Signatures of the parts of a file, names, and addresses: none, and the first bytes. */
const HDF5_WORDS = ['TREE', 'HEAP', 'SNOD', 'GCOL', 'OHDR', 'OCHK', 'FRHP', 'FHDB', 'BTHD', 'BTLF', 'FADB', 'EAHD']
  .concat(['layer_names', 'weight_names', 'kernel:0', '\xff'.repeat(8), '\0'.repeat(8), '\x60' + '\0'.repeat(7)])
  .map((each) => Uint8Array.from(each, (letter) => letter.charCodeAt(0)));

const hasSignature = (bytes: Uint8Array, at: number): boolean =>
  HDF5_WORDS.slice(0, 12).some((word) => word.every((byte, i) => bytes[at + i] === byte));

/** Numbers behind the signatures of parts, in which sizes, counts and addresses are. */
function hdf5Fields(random: Random, bytes: Uint8Array): Field[] {
  const fields: Field[] = [13, 14, 16, 18, 24, 32, 40, 48, 56, 64, 72, 80].map((at) => ({ at, width: 8 }));
  for (let i = 0; i < 40; i++) {
    let at = 8 * random.integer(0, Math.floor(bytes.length / 8));
    while (at < bytes.length && !hasSignature(bytes, at)) at += 8;
    fields.push({ at: at + random.integer(4, 48), width: random.pick([1, 2, 4, 8] as const) });
  }
  return fields;
}

function drawKeras(random: Random): Uint8Array {
  if (random.chance(0.05)) return mutateBytes(random, KERAS_ARCHIVE(), { words: ZIP_WORDS });
  const others = KERAS();
  const file = random.pick(others);
  if (random.chance(0.4)) {
    // Most of a file are values: of the library's own structures, hardly a damaged byte is accepted.
    const bytes = file.slice();
    for (let i = random.integer(0, 3); i > 0; i--) bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
    return bytes;
  }
  return mutateBytes(random, file, { words: HDF5_WORDS, others, fields: hdf5Fields(random, file) });
}

const thread = new SharedThread();

async function readKeras(bytes: Uint8Array): Promise<unknown> {
  const access = bytesAccess('file', bytes);
  const file = bytes[0] === 0x50 ? await openKerasArchive(access, thread) : await openKeras(access, thread);
  try {
    return await readAll(file);
  } finally {
    await file?.close?.();
  }
}

/** Elements of tensors that are read: views of a few bytes may repeat 2^24. */
const MOST = 10_000;

async function readAll(file: ForeignFile | null): Promise<unknown> {
  if (file === null) return null;
  const tensors: unknown[] = [];
  for (const { path, tensors: group } of file.groups) {
    for (const [name, tensor] of group) {
      if (sizeOf(tensor.shape) <= MOST) tensors.push([path, name, tensor.shape, await tensor.read()]);
    }
  }
  return { format: file.format, facts: file.facts, tensors };
}

async function readZip(bytes: Uint8Array): Promise<unknown> {
  const { records } = await openZip(bytesAccess('file', bytes));
  const contents: unknown[] = [];
  for (const [name, record] of records) {
    const access = await record.open();
    contents.push([name, await access.read(0, access.size)]);
  }
  return contents;
}

const MIB = 2 ** 20;
/** zlib allocates buffers of its own. */
const INFLATE = { allowance: 16 * MIB };

async function readOnnx(bytes: Uint8Array): Promise<unknown> {
  const file = await readForeign(bytesAccess('file', bytes));
  if (file === null) return null;
  const found = recognize(file, 'file');
  return { config: found.config, notes: found.notes, state: await readState(found, 'file') };
}

export const targets: readonly Target[] = [
  reader('formats.zip', drawZip, readZip, INFLATE),
  reader('formats.torch', drawTorch, async (bytes) => readAll(await readForeign(bytesAccess('file', bytes))), INFLATE),
  reader('formats.torchLegacy', drawLegacy, async (bytes) =>
    readAll(await openTorchLegacy(bytesAccess('file', bytes))),
  ),
  reader('formats.onnx', drawOnnx, readOnnx),
  reader('formats.paddle', drawPaddle, async (bytes) => readAll(await openPaddle(bytesAccess('file', bytes)))),
  // For damaged files the library reads memory that it has not set; here many files share a thread, and its memory.
  reader('formats.keras', drawKeras, readKeras, { isDeterministic: false }),
];

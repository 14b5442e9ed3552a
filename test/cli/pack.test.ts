/** Packed weights: the file is as described, and the reported differences are those of the files. */
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { packCommand } from '../../src/cli/pack.js';
import { checkDataset } from '../../src/data/sets/classes.js';
import { batchOf } from '../../src/data/sets/batchOf.js';
import { openDataset } from '../../src/data/sets/open.js';
import { drawShapes } from '../../src/data/sets/shapes.js';
import { decodeSafetensors, encodeSafetensors, type WeightsDtype } from '../../src/io/safetensors.js';
import { readWeights, writeWeights } from '../../src/io/weightsFile.js';
import { loadModel } from '../../src/model/loadModel.js';
import { Model } from '../../src/model/model.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { hosted, PATIENCE } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

const more = { input_size: [16, 16], num_classes: 10 };
const deploy = drawnConfig('deploy', more);
const state = drawnState(deploy);

beforeAll(async () => {
  await writeWeights(path('net.safetensors'), state, deploy, { dtype: 'float32' });
  await writeWeights(path('odd.safetensors'), drawnState(drawnConfig('deploy')), drawnConfig('deploy'));
  const gray = drawnConfig('deploy', { in_chans: 1, mean: [0.5], std: [0.25] });
  await writeWeights(path('gray.safetensors'), drawnState(gray), gray);
  await writeWeights(path('train.safetensors'), drawnState(drawnConfig('train')), drawnConfig('train'));
});

/** The output of --json. */
interface PackReport {
  readonly output: string;
  readonly dtype: string;
  readonly shards: readonly string[];
  readonly bytes: { readonly before: number; readonly after: number };
  readonly probe: string;
  readonly images: number;
  readonly maxDifference: number;
  readonly meanDifference: number;
  readonly maxLogit: number;
  readonly top1Agreement: number;
  readonly accuracy: { readonly before: number; readonly after: number } | null;
}

async function pack(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await inHost(['pack', ...args], path());
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}
const packJson = async (...args: string[]): Promise<PackReport> =>
  JSON.parse(await pack(...args, '--json')) as PackReport;

/** The bytes of the network in another type. */
async function encoded(dtype: WeightsDtype): Promise<Buffer> {
  const { tensors, metadata } = decodeSafetensors(await readFile(path('net.safetensors')));
  return Buffer.from(encodeSafetensors(tensors, { metadata, dtype }));
}

/** The drift of two networks, computed independently. */
async function measureDrift(after: string, x: Float32Array, labels: ArrayLike<number>): Promise<Partial<PackReport>> {
  const rows: number[][][] = [];
  for (const file of ['net.safetensors', after]) {
    const logits = await (await loadModel(path(file))).forward(x, labels.length);
    rows.push(Array.from(labels, (_, i) => [...logits.subarray(10 * i, 10 * i + 10)]));
  }
  const [a, b] = rows;
  const differences = a.flatMap((row, i) => row.map((v, c) => Math.abs(v - b[i][c])));
  const classOf = (row: readonly number[]): number => [...row.keys()].sort((i, j) => row[j] - row[i])[0];
  const share = (holds: (i: number) => boolean): number => a.filter((_, i) => holds(i)).length / a.length;
  return {
    maxDifference: differences.sort((p, q) => q - p)[0],
    meanDifference: expect.closeTo(differences.reduce((p, q) => p + q) / differences.length, 12) as unknown as number,
    maxLogit: a.flat().reduce((most, v) => Math.max(most, Math.abs(v)), 0),
    top1Agreement: share((i) => classOf(a[i]) === classOf(b[i])),
    accuracy: {
      before: share((i) => classOf(a[i]) === labels[i]),
      after: share((i) => classOf(b[i]) === labels[i]),
    },
  };
}

describe('one file', () => {
  test.each([
    ['f16', 'float16', 'F16'],
    ['float16', 'float16', 'F16'],
    ['f32', 'float32', 'F32'],
    ['int8', 'int8', 'I8'],
  ] as const)(
    'of %s has the bytes of encodeSafetensors',
    async (short, dtype, code) => {
      const { bytes, shards, ...rest } = await packJson('net.safetensors', `${short}.safetensors`, '--dtype', short);
      const written = await readFile(path(`${short}.safetensors`));
      expect(rest).toMatchObject({ output: `${short}.safetensors`, dtype, images: 64, accuracy: null });
      expect([shards, bytes]).toEqual([
        [],
        { before: (await stat(path('net.safetensors'))).size, after: written.length },
      ]);
      expect(written.includes(`"dtype":"${code}"`)).toBe(true);
      const { config } = await readWeights(path(`${short}.safetensors`));
      expect(config).toEqual(deploy);
      const { tensors } = decodeSafetensors(await readFile(path('net.safetensors')));
      const expected = decodeSafetensors(encodeSafetensors(tensors, { dtype })).tensors;
      expect(decodeSafetensors(written).tensors).toEqual(expected);
      if (dtype === 'float32') expect(rest).toMatchObject({ maxDifference: 0, meanDifference: 0, top1Agreement: 1 });
      else expect(rest.maxDifference).toBeGreaterThan(0);
    },
    PATIENCE,
  );

  test(
    'is measured on shapes',
    async () => {
      const drawn = drawShapes(20, { size: 16, seed: 3 });
      const x = batchOf(drawn, [...drawn.labels.keys()], { mean: deploy.mean, std: deploy.std });
      const report = await packJson('net.safetensors', 'i.safetensors', '-d', 'int8', '--probe', '20', '--seed', '3');
      const { accuracy, ...expected } = await measureDrift('i.safetensors', x, drawn.labels);
      expect(accuracy).toBeDefined();
      expect(report).toMatchObject({ ...expected, images: 20, probe: '20 drawn shapes', accuracy: null });
    },
    PATIENCE,
  );

  test(
    'is measured on a data set, with accuracies',
    async () => {
      const set = await openDataset('shapes', 'test', { size: [16, 16], n: 30, seed: 5 });
      checkDataset(set, deploy);
      const x = batchOf(set, [...set.labels.keys()], { mean: deploy.mean, std: deploy.std });
      const report = await packJson(
        ...['net.safetensors', 'i.safetensors', '-d', 'int8', '--data', 'shapes', '-n', '30', '--seed', '5'],
      );
      expect(report).toMatchObject({ ...(await measureDrift('i.safetensors', x, set.labels)), images: 30 });
    },
    PATIENCE,
  );

  test.each(['odd', 'gray'])(
    'is measured on noise if the network does not take shapes: %s',
    async (net) => {
      const report = await packJson(`${net}.safetensors`, 'n.safetensors', '-d', 'f16', '-n', '3');
      expect(report).toMatchObject({ probe: '3 images of noise', images: 3, top1Agreement: 1 });
      expect(report.maxDifference).toBeGreaterThan(0);
    },
    PATIENCE,
  );
});

describe('shards', () => {
  test.each(['cut.json', 'cut.safetensors', 'cut'])(
    'are written next to their index: %s',
    async (out) => {
      const report = await packJson('net.safetensors', out, '--dtype', 'f16', '-n', '1', '--shard', '1KiB');
      const whole = await encoded('float16');
      const { length } = whole;
      const count = Math.ceil(length / 1024);
      expect(report).toMatchObject({ output: 'cut.json', bytes: { after: length } });
      expect(report.shards).toHaveLength(count);
      expect(report.shards[0]).toBe(`cut-00001-of-0000${count}.bin`);
      const parts = await Promise.all(report.shards.map((file) => readFile(path(file))));
      expect(parts.slice(0, -1).every((part) => part.length === 1024)).toBe(true);
      expect(Buffer.concat(parts).equals(whole)).toBe(true);
      const x = new Float32Array(3 * 256).fill(0.5);
      const [single, sharded] = [await loadModel(whole), await loadModel(path('cut.json'))];
      expect(await sharded.forward(x)).toEqual(await single.forward(x));
    },
    PATIENCE,
  );

  test(
    'are read by their index',
    async () => {
      await packJson('net.safetensors', 'in.json', '-d', 'f32', '-n', '1', '--shard', '2KiB');
      const { bytes, maxDifference } = await packJson('in.json', 'out.safetensors', '-d', 'f32', '-n', '5');
      expect(maxDifference).toBe(0);
      expect(bytes.before).toBe(bytes.after);
      const file = await readFile(path('out.safetensors'));
      expect(file.equals(await encoded('float32'))).toBe(true);
    },
    PATIENCE,
  );

  test(
    'have 24 MiB by default; printed as text',
    async () => {
      const text = await pack('net.safetensors', 'one.json', '-d', 'int8', '-n', '5', '--shard');
      const { size } = await stat(path('one-00001-of-00001.bin'));
      const before = (await stat(path('net.safetensors'))).size;
      const lines = text.trimEnd().split('\n');
      expect(lines.slice(0, 3)).toEqual([
        'packed    net.safetensors -> one.json (int8)',
        'shards    1 of at most 25,165,824 bytes: one-00001-of-00001.bin',
        `size      ${before.toLocaleString('en-US')} -> ${size.toLocaleString('en-US')} bytes, ${((100 * size) / before).toFixed(1)}%`,
      ]);
      expect(lines[3]).toMatch(
        /^logits {4}differ by at most [\d.e-]+, [\d.e-]+% of the largest \([\d.]+\), [\d.e-]+ on average, on 5 drawn shapes$/,
      );
      expect(lines[4]).toMatch(/^top-1 {5}unchanged for [\d.]+% of the images$/);
      expect(lines).toHaveLength(5);
    },
    PATIENCE,
  );

  test(
    'are printed as a range, with the accuracies',
    async () => {
      const args = ['-d', 'int8', '--shard', '1KiB', '--data', 'shapes', '-n', '8'];
      const { shards, accuracy } = await packJson('net.safetensors', 'range.json', ...args);
      const lines = (await pack('net.safetensors', 'range.json', ...args)).trimEnd().split('\n');
      expect(shards.length).toBeGreaterThan(1);
      expect(lines[1]).toBe(
        `shards    ${shards.length} of at most 1,024 bytes: ${shards[0]} to ${shards[shards.length - 1]}`,
      );
      const percent = (share = NaN): string => `${(100 * share).toFixed(1)}%`;
      expect(lines[5]).toBe(`accuracy  ${percent(accuracy?.before)} -> ${percent(accuracy?.after)}`);
      expect(lines).toHaveLength(6);
    },
    PATIENCE,
  );
});

test(
  'keeps the existing file if measuring fails',
  async () => {
    // Finite weights with infinite logits.
    const { shape } = state.get('stages.0.conv.weight') ?? { shape: [] };
    const data = new Float32Array(6 * 4).fill(3.4e38);
    const huge = new Map([...state, ['stages.0.conv.weight', { shape, data }]]);
    await writeWeights(path('huge.safetensors'), huge, deploy, { dtype: 'float32' });
    await writeFile(path('kept.json'), 'an index');
    await writeFile(path('kept-00001-of-00001.bin'), 'a shard');
    const before = await readdir(path());
    const { status, stderr } = await inHost(['pack', 'huge.safetensors', 'kept', '-d', 'f32', '--shard'], path());
    expect([status, stderr]).toEqual([1, expect.stringContaining('pack: expected finite logits')]);
    expect(await readdir(path())).toEqual(before);
    expect(await readFile(path('kept.json'), 'utf8')).toBe('an index');
    expect(await readFile(path('kept-00001-of-00001.bin'), 'utf8')).toBe('a shard');
  },
  PATIENCE,
);

test(
  'one file has no line of shards; the progress of a hundred images is printed, except with --json',
  async () => {
    const text = await pack('net.safetensors', 'plain.safetensors', '-d', 'int8', '-n', '100');
    expect(text.split('\n').map((line) => line.slice(0, 10))).toEqual([
      ...['images: 10', 'packed    ', 'size      ', 'logits    ', 'top-1     ', ''],
    ]);
    expect(text).toContain('images: 100 of 100\n');
    // JSON alone.
    await packJson('net.safetensors', 'plain.safetensors', '-d', 'int8', '-n', '100');
  },
  PATIENCE,
);

describe('refuses, and writes nothing', () => {
  const cases: [string, string[], number, string][] = [
    [
      'the train form',
      ['train.safetensors', 'x'],
      1,
      'WeightsError: train.safetensors: expected the deploy form, got the train form\nhint: Fuse it first: vanillanet fuse IN OUT.',
    ],
    [
      'onto its input',
      ['net.safetensors', 'net.safetensors'],
      1,
      'ParamError: net.safetensors: expected an output that is not an input',
    ],
    [
      'a shard that would overwrite its input',
      ['a-00001-of-00001.bin', 'a', '--shard'],
      1,
      'ParamError: a-00001-of-00001.bin: expected an output that is not an input',
    ],
    [
      'an index without shards',
      ['net.safetensors', 'x.json'],
      1,
      'ParamError: x.json: expected .safetensors, got .json without --shard\nhint: Add --shard to write shards and their index.\n',
    ],
    ['JSON that is not an index', ['no.json', 'x'], 1, 'WeightsError: no.json: expected an index of shards'],
    [
      'an index onto itself',
      ['cut.json', 'cut', '--shard'],
      1,
      'ParamError: cut.json: expected an output that is not an input, got cut.json',
    ],
    [
      'a shard that would overwrite an input shard',
      ['moved.json', 'cut', '--shard', '1KiB'],
      1,
      'ParamError: cut-00001-of-00003.bin: expected an output that is not an input, got cut-00001-of-00003.bin',
    ],
    ['into a missing folder', ['net.safetensors', 'no/x'], 1, 'ParamError: no/x: expected a folder no, got none'],
    ['missing data', ['odd.safetensors', 'x', '--data', 'cifar'], 1, 'DataError: cifar: expected'],
    ['an unknown type', ['net.safetensors', 'x', '-d', 'int4'], 2, 'Allowed choices are f16, f32, f64, float16'],
    ['an invalid size', ['net.safetensors', 'x', '--shard', '24 parsecs'], 2, 'Expected a size such as 24MiB'],
    ['a size of 0', ['net.safetensors', 'x', '--shard', '0'], 2, 'Expected a size such as 24MiB'],
  ];
  beforeAll(async () => {
    await writeFile(path('a-00001-of-00001.bin'), await readFile(path('net.safetensors')));
    await writeFile(path('no.json'), '{}');
    await packJson('net.safetensors', 'cut', '--dtype', 'f16', '-n', '1', '--shard', '1KiB');
    await writeFile(path('moved.json'), await readFile(path('cut.json')));
  });
  test.each(cases)(
    '%s',
    async (_, args, expectedStatus, message) => {
      const before = await readdir(path());
      const type = args.includes('-d') ? [] : ['-d', 'f16'];
      const { status, stdout, stderr } = await inHost(['pack', ...args, ...type], path());
      expect(stderr).toContain(message);
      expect([status, stdout]).toEqual([expectedStatus, '']);
      expect(await readdir(path())).toEqual(before);
    },
    PATIENCE,
  );

  test(
    'values out of the range of the type',
    async () => {
      const { shape } = state.get('stages.0.conv.weight') ?? { shape: [] };
      const data = new Float32Array(6 * 4).fill(3.4e38);
      await writeWeights(
        path('large.safetensors'),
        new Map([...state, ['stages.0.conv.weight', { shape, data }]]),
        deploy,
      );
      const before = await readdir(path());
      const { status, stderr } = await inHost(['pack', 'large.safetensors', 'x', '-d', 'f16'], path());
      expect([status, stderr]).toEqual([
        1,
        expect.stringContaining('stages.0.conv.weight: expected values that float16'),
      ]);
      expect(await readdir(path())).toEqual(before);
    },
    PATIENCE,
  );

  test.each([
    ['a type that cannot hold the weights', 'f16', 1, 'values that float16'],
    ['logits that are not numbers', 'f32', 2, 'finite logits'],
  ])('%s: disposes every opened network', async (_, dtype, networks, expected) => {
    const { shape } = state.get('stages.0.conv.weight') ?? { shape: [] };
    const large = new Map([...state, ['stages.0.conv.weight', { shape, data: new Float32Array(6 * 4).fill(3.4e38) }]]);
    await writeWeights(path('large.safetensors'), large, deploy);
    const dispose = jest.spyOn(Model.prototype, 'dispose');
    try {
      const args = [path('large.safetensors'), path('x'), '-d', dtype, '--json'];
      await expect(packCommand().parseAsync(args, { from: 'user' })).rejects.toThrow(expected);
      expect(new Set(dispose.mock.contexts).size).toBe(networks);
    } finally {
      dispose.mockRestore();
    }
  });
});

test(
  'fuse writes int8, and accepts short names',
  async () => {
    for (const [dtype, code] of [
      ['int8', 'I8'],
      ['f16', 'F16'],
    ]) {
      const { status } = await inHost(['fuse', 'train.safetensors', `fused-${dtype}`, '--dtype', dtype], path());
      expect(status).toBe(0);
      expect((await readFile(path(`fused-${dtype}`))).includes(`"dtype":"${code}"`)).toBe(true);
      expect((await readWeights(path(`fused-${dtype}`))).config.form).toBe('deploy');
    }
  },
  PATIENCE,
);

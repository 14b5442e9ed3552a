/** Invalid input: exit status 1, one line with the error, perhaps one with a hint, and no file. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { sizeOf } from '../../src/core/tensor.js';
import { cutShards } from '../../src/io/cutShards.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { array, dict, global, int, list, pickle, str, tuple } from '../data/sets/pickleWriter.js';
import { describeWith, SHARED } from '../data/sets/sharedData.js';
import { tarOf } from '../data/sets/tarWriter.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { hosted, PATIENCE } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

/** Parts of the message: the class, `op`, `expected` and `got`. */
type Refusal = readonly [error: string, op: string, expected: string, got: string];

type Case = readonly [what: string, args: readonly string[], ...Refusal];

async function refuse(args: readonly string[], [error, op, expected, got]: Refusal): Promise<void> {
  const before = await readdir(path(), { recursive: true });
  const { status, stderr } = await inHost(args, path());
  expect(stderr).toMatch(/^\w+Error: [^\n]+: expected [^\n]+, got [^\n]+\n(hint: [^\n]+[.?]\n)?$/);
  const [line] = stderr.split('\n');
  expect(line.startsWith(`${error}: ${op}: expected `)).toBe(true);
  expect(line).toContain(expected);
  expect(line.slice(line.lastIndexOf(', got '))).toContain(got);
  expect(status).toBe(1);
  expect(await readdir(path(), { recursive: true })).toEqual(before);
}

function judge(cases: readonly Case[]): void {
  test.each(cases)('%s', async (_, args, ...refusal) => refuse(args, refusal), PATIENCE);
}

const deploy = drawnConfig('deploy');
const train = drawnConfig('train');
const half = drawnConfig('train', { lambda: 0.5 });
const silent = drawnConfig('train', { lambda: null });
/** VanillaNet-5 with fewer channels. */
const five = resolveConfig({ dims: [4, 4, 4, 4], strides: [2, 2, 2], num_classes: 5, act_num: 1, form: 'deploy' });
const { dims, strides, num_classes, act_num } = deploy;
const known = { dims, strides, num_classes, act_num };

beforeAll(async () => {
  const described: Record<string, ModelConfig> = { deploy, train, half, silent, five };
  for (const [name, config] of Object.entries(described)) {
    await writeWeights(path(`${name}.safetensors`), drawnState(config), config);
  }
  const bare = encodeSafetensors(drawnState(train), { dtype: 'float32' });
  const foreign = new Map([['conv1.weight', { data: new Float32Array(4), shape: [4] }]]);
  const holed = new Map(drawnState(deploy)).set('cls.2.bias', { data: new Float32Array(5).fill(NaN), shape: [5] });
  const { index, shards } = cutShards(bare, { name: 'bare' });
  const files: Record<string, Uint8Array | string> = {
    ...Object.fromEntries(shards),
    'bare.json': JSON.stringify(index),
    'bare.safetensors': bare,
    'cut.safetensors': bare.subarray(0, -8),
    'cut-header.safetensors': bare.subarray(0, 100),
    'empty.safetensors': '',
    'text.safetensors': 'To whom it may concern: these are no weights.',
    'foreign.safetensors': encodeSafetensors(foreign),
    'nan.safetensors': encodeSafetensors(holed),
    'known.json': JSON.stringify(known),
    'dims.json': JSON.stringify({ ...known, dims: [4, 6] }),
    'wider.json': JSON.stringify({ ...known, dims: [4, 6, 9] }),
    'ada.json': JSON.stringify({ ...known, ada_pool: [3, 0] }),
    'key.json': JSON.stringify({ ...known, depth: 5 }),
    'list.json': '[4, 6, 8]',
    'config.yaml': 'dims:\n  - 4\n  - 6\nstrides:\n  - 2\n',
    'text.png': 'a thousand words',
  };
  // prettier-ignore
  const inputs: Record<string, readonly number[]> = {
    x: [2, 3, 16, 20], one: [1, 3, 16, 20], rank3: [3, 16, 20], gray: [2, 1, 16, 20], none: [0, 3, 16, 20],
    small: [1, 3, 31, 31], flat: [1, 3, 64, 31],
  };
  for (const [name, shape] of Object.entries(inputs)) {
    const x = { data: new Float32Array(sizeOf(shape)).fill(0.5), shape };
    files[`${name}.safetensors`] = encodeSafetensors(new Map([['x', x]]));
  }
  for (const [name, content] of Object.entries(files)) await writeFile(path(name), content);
  await mkdir(path('folder'));
});

const OUT = 'out.safetensors';

describe('run', () => {
  const run = (weights: string, x: string, ...more: string[]): string[] => [
    ...['run', '--weights', `${weights}.safetensors`, '--input', `${x}.safetensors`, '--output', OUT, ...more],
  ];
  const reference = ['--backend', 'reference'];
  judge([
    ['x of three axes', run('deploy', 'rank3'), 'ShapeError', 'rank3.safetensors', 'x [n,3,h,w]', 'x [3,16,20]'],
    ['x of one channel', run('deploy', 'gray'), 'ShapeError', 'gray.safetensors', 'x [n,3,h,w]', 'x [2,1,16,20]'],
    ['x of no images', run('deploy', 'none'), 'ShapeError', 'none.safetensors', 'x [n,3,h,w]', 'x [0,3,16,20]'],
    ['31x31 for VanillaNet-5', run('five', 'small'), 'ShapeError', 'stages.2', 'at least 32x32', '31x31'],
    ['64x31 by the reference', run('five', 'flat', ...reference), 'ShapeError', 'stages.2', 'at least 32x32', '64x31'],
    ['a file without x', run('deploy', 'bare'), 'WeightsError', 'bare.safetensors', 'a tensor x', 'no such tensor'],
    ['no input', run('deploy', 'missing'), 'WeightsError', 'missing.safetensors', 'a readable file', 'no such file'],
    [
      'a batch of one in training',
      run('train', 'one', ...reference, '--mode', 'train'),
      'ShapeError',
      'batchNorm',
      'more than one value per channel',
      'x [1,5,1,1]',
    ],
    [
      'training in WebAssembly',
      run('train', 'x', '--mode', 'train'),
      'ParamError',
      '--mode train',
      '--backend reference',
      '--backend wasm',
    ],
    ['the deep form in WebAssembly', run('train', 'x'), 'WeightsError', 'wasm', 'the deploy form', 'the train form'],
    [
      'weights without λ',
      run('silent', 'x', ...reference),
      'ParamError',
      'silent.safetensors',
      'weights with lambda, or --lambda',
      'neither',
    ],
    [
      'an output in a missing folder',
      run('deploy', 'x').with(6, 'no/out'),
      'ParamError',
      'no/out',
      'a folder no',
      'none',
    ],
    [
      'an output that is a folder',
      run('deploy', 'x').with(6, 'folder'),
      'ParamError',
      'folder',
      'a file to write',
      'a folder',
    ],
  ]);
});

describe('weights', () => {
  const weights = (name: string, ...more: string[]): string[] => [
    ...['run', '--weights', `${name}.safetensors`, '--input', 'x.safetensors', '--output', OUT, ...more],
  ];
  // float32, except for the counters: int64 scalars.
  const bytes = [...drawnState(train).values()].reduce(
    (sum, { data, shape }) => sum + (shape.length === 0 ? 8 : 4 * data.length),
    0,
  );
  judge([
    ['a missing file', weights('missing'), 'WeightsError', 'missing.safetensors', 'a readable file', 'no such file'],
    ['a folder', weights('x').with(2, 'folder'), 'WeightsError', 'folder', 'a readable file', 'a folder'],
    ['a truncated file', weights('cut'), 'WeightsError', 'cut.safetensors', `${bytes} bytes of data`, `${bytes - 8}`],
    [
      'a file truncated in its header',
      weights('cut-header'),
      'WeightsError',
      'cut-header.safetensors',
      'bytes of header',
      '100 bytes: it is cut short',
    ],
    ['empty', weights('empty'), 'WeightsError', 'empty.safetensors', 'a safetensors file', 'an empty file'],
    ['a text file', weights('text'), 'WeightsError', 'text.safetensors', 'a safetensors file', ''],
    [
      'weights of another model',
      weights('foreign', '-c', 'known.json'),
      'WeightsError',
      'foreign.safetensors: weights',
      'the tensors of a VanillaNet',
      'conv1.weight',
    ],
    [
      'weights with NaN',
      weights('nan', '-c', 'known.json'),
      'WeightsError',
      'nan.safetensors: cls.2.bias',
      'finite weights',
      'NaN at element 0',
    ],
    [
      'shards without a configuration',
      weights('x').with(2, 'bare.json'),
      'WeightsError',
      'bare.json',
      'a configuration',
      'neither',
    ],
    [
      'weights of another width',
      weights('bare', '-c', 'wider.json'),
      'WeightsError',
      'bare.safetensors: stages.1.conv2.0.weight',
      '[9,6,1,1]',
      '[8,6,1,1]',
    ],
    [
      'that contradict the configuration',
      weights('deploy', '-c', 'ada.json'),
      'WeightsError',
      'deploy.safetensors',
      'ada_pool [3,0]',
      'ada_pool null',
    ],
    [
      'with dims and strides of different lengths',
      weights('bare', '-c', 'dims.json'),
      'ParamError',
      'config.dims',
      '3 entries',
      '[4,6]',
    ],
    [
      'with an unknown key',
      weights('bare', '-c', 'key.json'),
      'ParamError',
      'config.depth',
      'one of the keys variant, dims',
      'unknown key',
    ],
    [
      'with a list as the configuration',
      weights('bare', '-c', 'list.json'),
      'ParamError',
      'list.json',
      'a JSON object',
      '[4,6,8]',
    ],
    [
      'with a configuration that is not JSON, of several lines',
      weights('bare', '-c', 'config.yaml'),
      'ParamError',
      'config.yaml',
      'JSON',
      'at line 1, column 1 instead of a value',
    ],
    [
      'with a missing configuration',
      weights('bare', '-c', 'no.json'),
      'ParamError',
      'no.json',
      'a readable file',
      'no such file',
    ],
  ]);
});

describe('fuse', () => {
  const fuse = (weights: string, ...more: string[]): string[] => ['fuse', `${weights}.safetensors`, OUT, ...more];
  judge([
    ['at λ = ½', fuse('half'), 'FusionError', 'fuse', 'lambda = 1', 'lambda = 0.5'],
    ['at λ = ½, called 1', fuse('half', '--lambda', '1'), 'ParamError', '--lambda', '0.5, as in half.safetensors', '1'],
    ['at a λ given as 0', fuse('silent', '--lambda', '0'), 'FusionError', 'fuse', 'lambda = 1', 'lambda = 0'],
    [
      'weights without λ',
      fuse('silent'),
      'ParamError',
      'silent.safetensors',
      'weights with lambda, or --lambda',
      'neither',
    ],
    [
      'without metadata, and without λ',
      fuse('bare', '-c', 'known.json'),
      'ParamError',
      'bare.safetensors',
      'weights with lambda',
      'neither',
    ],
    [
      'weights in the deploy form',
      fuse('deploy', '--verify'),
      'FusionError',
      'fuse',
      'the train form',
      'the deploy form',
    ],
    [
      'on a probe of 4x4',
      fuse('train', '--probe-size', '4'),
      'ShapeError',
      'stages.0',
      'an input of at least 8x8',
      '4x4',
    ],
    ['into a missing folder', fuse('train').with(2, 'no/out'), 'ParamError', 'no/out', 'a folder no', 'none'],
  ]);
});

describe('classify', () => {
  const classify = (weights: string, ...images: string[]): string[] => [
    ...['classify', '--weights', `${weights}.safetensors`, ...images],
  ];
  judge([
    [
      'text in a file named .png',
      classify('deploy', 'text.png'),
      'DataError',
      'text.png',
      'a PNG, JPEG or WebP',
      'text that begins with',
    ],
    ['a missing image', classify('deploy', 'no.png'), 'DataError', 'no.png', 'a readable file', 'no such file'],
    ['with missing weights', classify('no', 'text.png'), 'WeightsError', 'no.safetensors', 'a readable', 'no such'],
    [
      'with the train form in WebAssembly',
      classify('train', 'text.png'),
      'WeightsError',
      'wasm',
      'the deploy form',
      'the train form',
    ],
  ]);
});

describe('hints', () => {
  const names = 'Pass cifar10, cifar100, shapes, or the path of an archive or a folder.';
  test.each([
    [['train', '--data', 'nodir', '--output', OUT], names],
    [['eval', '--data', 'imagenet', '--weights', 'deploy.safetensors'], names],
    [['plot', 'nope'], 'Pass the folder that vanillanet train --output wrote to, or its metrics.jsonl.'],
    [['fuse', 'train.safetensors', 'train.safetensors'], 'Name another output file.'],
  ])(
    '%j',
    async (args, hint) => {
      const { status, stderr } = await inHost(args, path());
      expect([status, stderr.trimEnd().split('\n')]).toEqual([
        1,
        [expect.stringMatching(/^\w+Error: .*: expected /), `hint: ${hint}`],
      ]);
    },
    PATIENCE,
  );
});

describe('summary', () => {
  judge([
    [
      'at 31x31',
      ['summary', 'vanillanet_5', '-s', '31'],
      'ShapeError',
      'stages.2',
      'an input of at least 32x32',
      '31x31, which leaves 0x0',
    ],
  ]);
});

describe('train', () => {
  const shapes = (...more: string[]): string[] => [
    ...['train', '--data', 'shapes', '--size', '16', '--limit', '20', '--val-limit', '0', '--batch-size', '10'],
    ...['--output', OUT, ...more],
  ];
  judge([
    ['into a file', shapes('-o', 'text.png'), 'ParamError', 'text.png', 'a folder for the run', 'a file'],
    [
      'resuming without a run',
      shapes('-o', 'none', '--resume'),
      'ParamError',
      'none',
      'the folder of a run',
      'no such file or folder',
    ],
    ['with a batch larger than the set', shapes('-b', '21'), 'ParamError', '--batch-size', '2 to the 20 images', '21'],
    [
      'with dims and strides of different lengths',
      shapes('--dims', '4,6'),
      'ParamError',
      '--dims',
      '3 entries',
      '[4,6]',
    ],
    [
      'with λ that does not reach 1',
      shapes('-e', '3', '--decay-epochs', '3'),
      'ParamError',
      '--decay-epochs',
      'the last step',
      '3',
    ],
    ['of images that are too large', shapes('--image-size', '40000'), 'ParamError', '--image-size', '32768]', '40000'],
    ['of inputs that are too large', shapes('--size', '40000'), 'ParamError', '--size', '32768]', '40000'],
    ['with momentum for adam', shapes('--momentum', '0.5'), 'ParamError', '--momentum', '--optimizer sgd', 'adam'],
    ['with empty maps', shapes('--dims', '2,2,2', '--strides', '3,3'), 'ParamError', '--size', ' at stages.1', '16x16'],
    [
      'with batches too large for WebAssembly',
      shapes('--size', '128', '--dims', '4096,2', '--strides', '1', '-b', '20', '--grad-accum-steps', '1'),
      'ParamError',
      'training',
      'what fits into 4096 MiB',
      'at least 4111.2 MiB',
    ],
    [
      'with micro-batches of one image',
      shapes('--grad-accum-steps', '10'),
      'ParamError',
      '--grad-accum-steps',
      'a divisor of --batch-size, 10, that leaves 2 images or more',
      '10',
    ],
    [
      'with a seed of 33 bits',
      shapes('--seed', '4294967296'),
      'ParamError',
      '--seed',
      'in [0, 4294967295]',
      '4294967296',
    ],
    ['with missing data', shapes('-d', 'nowhere'), 'DataError', 'nowhere', 'an archive or a folder', 'no such file'],
    [
      'with a file that is not an archive',
      shapes('-d', 'text.png'),
      'DataError',
      'text.png',
      'a tar archive',
      'text that begins with',
    ],
  ]);

  test(
    'refuses an invalid output before it starts',
    async () => {
      const refused = await inHost(shapes('-o', 'text.png'), path());
      expect(refused).toMatchObject({ status: 1, stdout: '' });
      expect(refused.stderr).toMatch(/^ParamError: text\.png: .*\n$/);
    },
    PATIENCE,
  );

  test(
    'refuses a pickle that calls a function, without calling it',
    async () => {
      const images = array([1, 3072], new Uint8Array(3072));
      const good = pickle(dict({ labels: list([int(1)]), data: images }));
      // What `pickle.loads` would run: os.system('touch called').
      const evil = pickle([...global('os', 'system'), ...tuple(str('touch called')), 0x52]);
      const members = Object.fromEntries(
        [1, 2, 3, 4, 5].map((i) => [`cifar-10-batches-py/data_batch_${i}`, i === 3 ? evil : good]),
      );
      await writeFile(path('evil.tar.gz'), gzipSync(tarOf(members)));
      await refuse(shapes('--size', '32', '-d', 'evil.tar.gz'), [
        'DataError',
        'evil.tar.gz: cifar-10-batches-py/data_batch_3',
        'nothing but data',
        'os.system',
      ]);
    },
    PATIENCE,
  );

  describeWith(['cifar-10-1k-python.tar.gz'], 'on CIFAR-10', () => {
    test(
      'with an incomplete archive',
      async () => {
        const whole = await readFile(`${SHARED}/cifar-10-1k-python.tar.gz`);
        await writeFile(path('cut.tar.gz'), whole.subarray(0, whole.length / 4));
        const message = ['DataError', 'cut.tar.gz', 'whole gzip data', 'truncated'] as const;
        await refuse(shapes('--size', '32', '-d', 'cut.tar.gz'), message);
      },
      PATIENCE,
    );
  });
});

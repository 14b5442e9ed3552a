/** Resuming a run: with the same data and backend, or not at all. */
import { beforeAll, expect, test } from '@jest/globals';
import { appendFile, cp, readFile, writeFile } from 'node:fs/promises';
import { readCheckpoint } from '../../src/train/checkpoint.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { linesOf, stepRecord } from '../report/syntheticRun.js';
import { hosted, PATIENCE, printed } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

const RECIPE = ['--size', '8', '--dims', '4,6', '--strides', '1', '--epochs', '2', '--decay-epochs', '1', '-b', '4'];
const train = (output: string, ...more: string[]): string[] => [
  ...['train', '--data', 'shapes', '--limit', '20', '--val-limit', '10', '--build', 'plain', ...RECIPE],
  ...['--output', output, ...more],
];
const LAST = 'checkpoint-00000010.safetensors';

beforeAll(async () => {
  await printed(train('run'), path());
}, PATIENCE);

test('config.json and checkpoints record data and backend', async () => {
  const { run } = JSON.parse(await readFile(path('run/config.json'), 'utf8')) as { run: unknown };
  const set = (images: number) => ({
    images,
    size: [8, 8],
    of: 'pixels',
    sha256: expect.stringMatching(/^[\da-f]{64}$/),
  });
  expect(run).toEqual({
    backend: 'wasm plain',
    data: {
      ...{ spec: 'shapes', limit: 20, val_limit: 10, val_split: null },
      ...{ class_names: expect.arrayContaining(['disc']), train: set(20), held_out: set(10) },
    },
  });
  expect((await readCheckpoint(path('run', LAST))).origin).toEqual(run);
});

test(
  '--config accepts the config.json of a run, and ignores its data',
  async () => {
    const config = ['train', '--config', 'run/config.json', '--data', 'shapes', '--limit', '20', '--val-limit', '10'];
    await printed([...config, '--build', 'plain', '-o', 'copy'], path());
    expect(await readFile(path('copy/last.safetensors'))).toEqual(await readFile(path('run/last.safetensors')));
  },
  PATIENCE,
);

test(
  'resumes with the same data',
  async () => {
    expect(await inHost(train('run', '--resume'), path())).toMatchObject({ status: 0, stderr: '' });
  },
  PATIENCE,
);

test.each([
  ['more images', ['--limit', '24'], 'the data of the checkpoint (shapes --limit 20', ', got shapes --limit 24'],
  ['fewer held out', ['--val-limit', '9'], '10 of 8x8', '9 of 8x8'],
  ['larger images', ['--image-size', '9'], '20 of 8x8', '20 of 9x9'],
  ['another backend', ['--backend', 'reference'], 'expected wasm plain, as in the checkpoint', ', got reference'],
  ['another seed', ['--seed', '1'], 'seed 0, as in the checkpoint', ', got 1'],
])(
  'with %s it does not',
  async (_, more, expected, got) => {
    // A record after the checkpoint, as a killed run has it.
    await appendFile(path('run/metrics.jsonl'), linesOf([stepRecord(3, 1, { steps: 5, global_step: 11 })]));
    const runFiles = () =>
      Promise.all(['config.json', 'metrics.jsonl'].map((name) => readFile(path('run', name), 'utf8')));
    const before = await runFiles();
    const { status, stderr } = await inHost(train('run', '--resume', ...more), path());
    expect(stderr).toMatch(/^ParamError: resume: expected .*\n/);
    expect(stderr).toContain(expected);
    expect(stderr.slice(stderr.lastIndexOf(', got '))).toContain(got);
    expect(status).toBe(1);
    expect(await runFiles()).toEqual(before);
  },
  PATIENCE,
);

test(
  'names a damaged checkpoint, and uses the previous one',
  async () => {
    await cp(path('run'), path('damaged'), { recursive: true });
    const whole = await readFile(path('run', LAST));
    await writeFile(path('damaged', LAST), whole.with(whole.length - 1, whole[whole.length - 1] ^ 1));
    const { status, stdout, stderr } = await inHost(train('damaged', '--resume'), path());
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(
        /^WeightsError: damaged[/\\]checkpoint-00000010\.safetensors: .*; using the previous checkpoint\n$/,
      ),
    ]);
    expect(stdout).toContain('\nresume after 5 steps, in epoch 2\n');
    for (const name of ['last.safetensors', LAST]) {
      expect(await readFile(path('damaged', name))).toEqual(await readFile(path('run', name)));
    }
  },
  PATIENCE,
);

test(
  'resumes a checkpoint of version 1, which has no record of its data, with any data',
  async () => {
    await cp(path('run'), path('old'), { recursive: true });
    for (const name of [LAST, 'checkpoint-00000005.safetensors']) {
      const { tensors, metadata } = decodeSafetensors(await readFile(path('old', name)), name);
      const key = 'vanillanet.training';
      const text = metadata.get(key) ?? '';
      const { origin, ...rest } = JSON.parse(text) as Record<string, unknown>;
      expect(origin).toBeDefined();
      const old = new Map([[key, JSON.stringify({ ...rest, version: 1 })]]);
      await writeFile(path('old', name), encodeSafetensors(tensors, { metadata: old }));
    }
    const args = train('old', '--resume', '--val-limit', '9', '--backend', 'reference');
    expect(await inHost(args, path())).toMatchObject({ status: 0, stderr: '' });
  },
  PATIENCE,
);

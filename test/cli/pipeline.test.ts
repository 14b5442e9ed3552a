/** The pipeline: train, fuse, classify. The first of each runs in its own process. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Prediction } from '../../src/model/topK.js';
import { readImage } from '../../src/data/decode/image.js';
import { preprocess, preprocessOptions } from '../../src/image/preprocess.js';
import { readWeights } from '../../src/io/weightsFile.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { answered, hosted, PATIENCE, printed } from './commandLine.js';

const path = temporaryFolder();
const inHost = hosted();

/** Three epochs of three steps on 16x16 shapes, with strides that let the images influence the logits. */
const TRAIN = [
  ...['train', '--data', 'shapes', '--size', '16', '--dims', '4,6', '--strides', '2', '--act-num', '1', '--lr', '0.05'],
  ...['--epochs', '3', '--decay-epochs', '2', '--limit', '30', '--batch-size', '10', '--val-limit', '20'],
];
/** Without other threads, whose start takes time. */
const ALONE = ['--threads', '1', '--workers', '0'];
const IMAGES = ['red.png', 'wide.jpg'];
const BACKENDS = [wasmBackend, referenceBackend];

let output: string;
beforeAll(async () => {
  output = await printed([...TRAIN, '-o', 'run'], path());
  await printed(['fuse', 'run/last.safetensors', 'fused.safetensors'], path());
  await sharp({ create: { width: 16, height: 16, channels: 3, background: 'red' } })
    .png()
    .toFile(path(IMAGES[0]));
  const pattern = Uint8Array.from({ length: 40 * 25 * 3 }, (_, k) => (k * 37) % 256);
  await sharp(pattern, { raw: { width: 40, height: 25, channels: 3 } })
    .jpeg()
    .toFile(path(IMAGES[1]));
}, PATIENCE);

describe('train', () => {
  test('prints its progress, and writes weights with their configuration', async () => {
    const lines = output.split('\n');
    expect(lines[0]).toBe('data   shapes: 30 images to train on, 20 held out, 10 classes');
    expect(lines[1]).toBe('net    dims 4,6  strides 2  act_num 1');
    expect(lines[2]).toMatch(/^memory \d+ MiB for the network in training, 0 MiB for the images$/);
    expect(lines[3]).toMatch(/^epoch 1\/3 .*loss \d\.\d{3}/);
    expect(output).toContain('wrote  run/last.safetensors (train form, lambda 1)\n');
    expect((await readdir(path('run'))).sort()).toEqual([
      ...['best-fusable.safetensors', 'best.safetensors', 'checkpoint-00000006.safetensors'],
      ...['checkpoint-00000009.safetensors', 'config.json', 'curves.html', 'curves.svg'],
      ...['last.safetensors', 'metrics.jsonl', 'results.csv'],
    ]);
    const { config } = await readWeights(path('run/last.safetensors'));
    expect(config).toMatchObject({ dims: [4, 6], strides: [2], act_num: 1, lambda: 1, form: 'train' });
    expect(config).toMatchObject({ num_classes: 10, input_size: [16, 16] });
    expect(config.class_names).toContain('disc');
  });

  test(
    'prints the same as JSON lines, and gives the same network for the same seed',
    async () => {
      const text = await printed([...TRAIN, ...ALONE, '-o', 'again', '--json'], path(), inHost);
      const records = text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
      const steps = [1, 2, 3].flatMap((epoch) => [1, 2, 3].map((step) => [epoch, step, 3]));
      const stepRecords = records.filter(({ kind }) => kind === 'step');
      expect(stepRecords.map(({ epoch, step, steps: of }) => [epoch, step, of])).toEqual(steps);
      expect(stepRecords.map(({ lambda }) => lambda)).toEqual(
        steps.map(([epoch, step]) => Math.min(1, (epoch - 1 + (step - 1) / 3) / 2)),
      );
      expect(records.filter((record) => 'validation' in record).map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
      expect(await readFile(path('again/last.safetensors'))).toEqual(await readFile(path('run/last.safetensors')));

      await printed([...TRAIN, ...ALONE, '-o', 'other', '--json', '--seed', '1'], path(), inHost);
      expect(await readFile(path('other/last.safetensors'))).not.toEqual(await readFile(path('run/last.safetensors')));
    },
    PATIENCE,
  );
});

test(
  'needs less memory with micro-batches',
  async () => {
    const plannedBy = (text: string): number => Number(/^memory (\d+) MiB for the network/m.exec(text)?.[1]);
    // Wide enough for more than one MiB.
    const brief = ['--epochs', '1', '--decay-epochs', '0', '--limit', '10', '--val-limit', '0'];
    const wide = [...TRAIN, '--dims', '4,256', '--size', '32', ...brief, ...ALONE];
    const batch = await printed([...wide, '-o', 'whole'], path(), inHost);
    const parts = await printed([...wide, '--grad-accum-steps', '5', '-o', 'parts'], path(), inHost);
    expect(plannedBy(parts)).toBeLessThan(plannedBy(batch));
    expect(JSON.parse(await readFile(path('parts/config.json'), 'utf8'))).toMatchObject({
      ...{ batch_size: 10, grad_accum_steps: 5 },
    });
    for (const folder of ['whole', 'parts']) await rm(path(folder), { recursive: true });
  },
  PATIENCE,
);

test(
  'without validation images, the last epoch is the best, without an accuracy',
  async () => {
    const brief = ['--val-limit', '0', '--epochs', '2', '--decay-epochs', '1'];
    const args = [...TRAIN, ...ALONE, ...brief, '-o', 'blind'];
    const text = await printed(args, path(), inHost);
    expect(text).toContain('       blind/best-fusable.safetensors (epoch 2)\n');
    expect(await readFile(path('blind/best.safetensors'))).toEqual(await readFile(path('blind/last.safetensors')));
    await rm(path('blind'), { recursive: true });
  },
  PATIENCE,
);

describe('fuse', () => {
  test(
    'verifies on request, and prints the measurements',
    async () => {
      const text = await printed(['fuse', 'run/last.safetensors', 'verified.safetensors', '--verify'], path(), inHost);
      expect(text).toContain('fused            run/last.safetensors -> verified.safetensors (float32)\n');
      expect(text).toMatch(/^fused - unfused +\S+ \(logits up to \S+\), both in float64$/m);
      expect(text).toMatch(
        /^verified +\d\S+ measured between WebAssembly in float32 and the unfused reference, within the bound$/m,
      );
      expect(await readFile(path('verified.safetensors'))).toEqual(await readFile(path('fused.safetensors')));
    },
    PATIENCE,
  );

  test(
    'prints JSON, writes float64, takes --probe-size and the same --lambda',
    async () => {
      const options = ['--verify', '--dtype', 'float64', '--probe-size', '12x20', '--lambda', '1'];
      const report = await answered(['fuse', 'run/last.safetensors', 'wide.safetensors', ...options], path(), inHost);
      expect(report).toMatchObject({ output: 'wide.safetensors', boundedLogits: 10, verified: { holds: true } });
      const { state, config } = await readWeights(path('wide.safetensors'));
      expect(config).toMatchObject({ form: 'deploy', lambda: 1, input_size: [16, 16] });
      expect([...state.values()].every(({ data }) => data instanceof Float64Array)).toBe(true);
    },
    PATIENCE,
  );
});

interface Answer {
  readonly image: string;
  readonly predictions?: readonly Prediction[];
  readonly error?: string;
}

describe('classify', () => {
  test.each(BACKENDS.map((backend) => [backend.name, backend] as const))(
    'on %s, agrees with the library',
    async (name, backend) => {
      const args = ['classify', '--weights', 'fused.safetensors', '--backend', name, '--top', '3', ...IMAGES];
      const answers = (await answered(args, path(), name === 'wasm' ? undefined : inHost)) as Answer[];
      const { state, config } = await readWeights(path('fused.safetensors'));
      const model = await Model.open(state, config, backend);
      for (const [i, image] of IMAGES.entries()) {
        const pixels = preprocess(await readImage(path(image)), preprocessOptions(config));
        expect(answers[i]).toEqual({ image, predictions: await model.classify(pixels, { topK: 3 }) });
      }
      expect(answers[0].predictions).not.toEqual(answers[1].predictions);
    },
    PATIENCE,
  );

  test(
    'the deep and the fused network agree, as text',
    async () => {
      const shallow = await printed(['classify', '-w', 'fused.safetensors', ...IMAGES], path(), inHost);
      const args = ['classify', '-w', 'run/last.safetensors', '-b', 'reference', ...IMAGES];
      const deep = await printed(args, path(), inHost);
      expect(shallow).toBe(deep);
      const [first, ...best] = shallow.split('\n');
      expect(first).toBe('red.png');
      for (const line of best.slice(0, 5)) expect(line).toMatch(/^ {2} *\d+\.\d% {2}[a-z ]+$/);
      expect(best[5]).toBe('wide.jpg');
    },
    PATIENCE,
  );

  test(
    'uses the weights of the package by default, and says so',
    async () => {
      const shipped = relative(
        path(),
        fileURLToPath(new URL('../../models/vanillanet-cifar10.safetensors', import.meta.url)),
      );
      const named = await printed(['classify', '-w', shipped, ...IMAGES], path(), inHost);
      const note = `weights ${shipped} (of this package; choose others with --weights)\n`;
      expect(await printed(['classify', ...IMAGES], path(), inHost)).toBe(note + named);
      expect(await answered(['classify', ...IMAGES], path(), inHost)).toHaveLength(2);
    },
    PATIENCE,
  );

  test(
    'classifies the other images if one cannot be read',
    async () => {
      await writeFile(path('text.png'), 'a thousand words');
      const refusal =
        'DataError: text.png: expected a PNG, JPEG or WebP image, got text that begins with "a thousand words"';
      const args = ['classify', '-w', 'fused.safetensors', 'text.png', 'red.png', 'missing.png'];
      const plain = await inHost(args, path());
      expect(plain.status).toBe(1);
      expect(plain.stdout).toMatch(/^red\.png\n {2}/);
      const missing = 'DataError: missing.png: expected a readable file, got no such file or folder';
      const hints = ['Check the path or URL.', 'Check the path.'];
      expect(plain.stderr).toBe(`${refusal}\nhint: ${hints[0]}\n${missing}\nhint: ${hints[1]}\n`);

      const json = await inHost([...args, '--json'], path());
      expect([json.status, json.stderr]).toEqual([1, '']);
      const answers = JSON.parse(json.stdout) as Answer[];
      expect(answers.map(({ error }) => error)).toEqual([refusal, undefined, missing]);
      expect(answers[1].predictions).toHaveLength(5);
    },
    PATIENCE,
  );
});

test('leaves no other files in the folder', async () => {
  const weights = ['fused', 'verified', 'wide'].map((name) => `${name}.safetensors`);
  const folders = ['run', 'again', 'other'];
  expect((await readdir(path())).sort()).toEqual([...folders, ...weights, ...IMAGES, 'text.png'].sort());
});

/** Graphs that both exporters of PyTorch have written have here the weights and the logits that PyTorch has. */
import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { WeightsError } from '../../src/core/errors.js';
import { importWeights, type ImportedWeights } from '../../src/formats/importWeights.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { fixture } from './judgeFiles.js';

interface Expected {
  readonly opset: number;
  readonly form: string;
  readonly lambda: number;
  /** Of the state_dict; null if the exporter has changed the weights. */
  readonly tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: string }>> | null;
  readonly logits: readonly number[];
}

const contents = JSON.parse(readFileSync(fixture('onnx/onnx.json'), 'utf8')) as Readonly<Record<string, Expected>>;
const path = temporaryFolder();
const IMAGES = 2;
const x = Float64Array.from({ length: IMAGES * 3 * 32 * 32 }, (_, i) => ((i * i) % 1009) / 504 - 1);

async function reading<T>(file: string, use: (weights: ImportedWeights) => Promise<T>): Promise<T> {
  const weights = await importWeights(file);
  try {
    return await use(weights);
  } finally {
    await weights.close();
  }
}

async function described(weights: ImportedWeights): Promise<Expected['tensors']> {
  const entries = [...(await weights.readState())].map(([name, { data, shape }]) => {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return [name, { shape, values: createHash('sha256').update(bytes).digest('hex') }] as const;
  });
  return Object.fromEntries(entries);
}

/** Graphs have no counters of batches. */
const withoutCounters = (tensors: NonNullable<Expected['tensors']>): Expected['tensors'] =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.endsWith('num_batches_tracked')));

describe.each(Object.entries(contents))('%s', (name, { opset, form, lambda, tensors, logits }) => {
  const file = fixture(`onnx/${name}`);

  test('is the network that was exported', () =>
    reading(file, async (weights) => {
      expect(weights).toMatchObject({ format: `ONNX graph, opset ${opset}`, missing: [], unexpected: [], guesses: [] });
      expect(weights.writer).toMatch(/^pytorch \d+\.\d+/);
      expect(weights.config).toMatchObject({
        ...{ form, lambda, dims: [4, 8, 8], strides: [2, 1], ada_pool: null, act_num: 1, num_classes: 3, in_chans: 3 },
        ...{ article_stem: false, input_size: [32, 32] },
      });
      if (tensors !== null) expect(await described(weights)).toEqual(withoutCounters(tensors));
    }));

  test('has the logits of PyTorch', () =>
    reading(file, async (weights) => {
      const model = await Model.open(await weights.readState(), weights.config, referenceBackend);
      const got = await model.forward(x, IMAGES);
      const largest = Math.max(...logits.map(Math.abs));
      // Both are in float64. Where norms were folded in float32, each weight is rounded by half a unit of 2^-23 at most
      // twice, in six layers.
      const allowed = tensors === null ? 12 * 2 ** -23 : 1e-12;
      const difference = Math.max(...logits.map((expected, i) => Math.abs(got[i] - expected)));
      expect(difference / largest).toBeLessThan(allowed);
    }));
});

test('says what was folded, renamed and left out', async () => {
  const folded = await importWeights(fixture('onnx/old_folded.onnx'));
  expect(folded.notes).toEqual([expect.stringContaining('folded 10 of its batch norms')]);
  expect([...folded.renamed].map(([, name]) => name)).toContain('stem1.0.weight');
  expect([...folded.renamed][0][0]).toMatch(/^onnx::Conv_\d+$/);
  await folded.close();
  const sparse = await importWeights(fixture('onnx/new_deploy.onnx'));
  expect(sparse.notes).toEqual(['The graph leaves out 2 biases, which are zero.']);
  await sparse.close();
  const constants = await importWeights(fixture('onnx/constants.onnx'));
  expect(constants.notes).toEqual([expect.stringContaining('Softmax')]);
  await constants.close();
});

test.each([
  ['residual.onnx', 'node /Add', 'an op of VanillaNet', 'Add', 'Only graphs of VanillaNet'],
  ['slopes.onnx', 'node /stages.1/LeakyRelu', 'alpha 0.3, as in the other activations', '0.5', 'one lambda'],
])('%s is refused', async (file, op, expected, got, hint) => {
  const result = importWeights(fixture(`onnx/${file}`));
  await expect(result).rejects.toThrow(refusal(WeightsError, op, expected, got));
  await expect(result).rejects.toMatchObject({ hint: expect.stringContaining(hint) as unknown });
});

test('without the file beside it, a graph with external data is refused', async () => {
  await copyFile(fixture('onnx/new_folded.onnx'), path('alone.onnx'));
  const result = importWeights(path('alone.onnx'));
  await expect(result).rejects.toThrow(
    refusal(WeightsError, 'tensor stem1.0.weight', 'a readable file "new_folded.onnx.data"', 'no such file'),
  );
});

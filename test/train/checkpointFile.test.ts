/** The format of checkpoints: what a file has, and the files that are refused. */
import { describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { WeightsError } from '../../src/core/errors.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { readCheckpoint } from '../../src/train/checkpoint.js';
import { decodeCheckpoint, encodeCheckpoint, type Checkpoint } from '../../src/train/checkpointFile.js';
import { initialState } from '../../src/train/initialState.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { checkpointAt } from './checkpointAt.js';

const path = temporaryFolder();

const KEY = 'vanillanet.training';
const plain = checkpointAt(5);
const averaged: Checkpoint = {
  ...plain,
  best: { epoch: 1, top1: 0.5 },
  snapshot: {
    ...plain.snapshot,
    ema: initialState(plain.config, 7),
    optimizer: new Map([['exp_avg.stem1.0.bias', { data: Float32Array.of(1, 2, 3), shape: [3] }]]),
  },
};

/** A file without a digest whose description is changed. */
function rewritten(checkpoint: Checkpoint, change: (text: string) => string | null): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(encodeCheckpoint(checkpoint));
  const text = change(metadata.get(KEY) ?? '');
  return encodeSafetensors(tensors, { metadata: new Map(text === null ? [] : [[KEY, text]]) });
}

const version = (number: unknown) => (text: string) =>
  JSON.stringify({ ...(JSON.parse(text) as object), version: number });

test.each([
  ['an average', averaged],
  ['none', plain],
])('decodes what was encoded, with %s', (_, checkpoint) => {
  expect(decodeCheckpoint(encodeCheckpoint(checkpoint), 'x')).toEqual(checkpoint);
});

test('names tensors by their part', () => {
  const { tensors } = decodeSafetensors(encodeCheckpoint(averaged));
  const parts = new Set([...tensors.keys()].map((name) => name.split('.', 1)[0]));
  expect(parts).toEqual(new Set(['model', 'optimizer', 'ema']));
  expect(tensors.has('optimizer.exp_avg.stem1.0.bias')).toBe(true);
  expect(tensors.get('ema.stem1.0.weight')).toEqual(averaged.snapshot.ema?.get('stem1.0.weight'));
});

test.each([1, 2])('reads version %d, which has no digest', (number) => {
  expect(decodeCheckpoint(rewritten(averaged, version(number)), 'x')).toEqual(averaged);
});

describe('refuses', () => {
  const refuse = (bytes: Uint8Array, expected: string, got: string): void => {
    expect(() => decodeCheckpoint(bytes, 'x.safetensors')).toThrow(refusal(WeightsError, '', expected, got));
  };

  test('other weights', () => {
    refuse(
      rewritten(plain, () => null),
      'a checkpoint of a training run',
      'other weights',
    );
  });

  test.each([4, 0, '2', null])('version %j', (number) => {
    refuse(rewritten(plain, version(number)), 'a checkpoint of version 1 or 2 or 3', JSON.stringify(number));
  });

  test('version 3 without its digest', () => {
    refuse(
      rewritten(plain, (text) => text),
      'vanillanet.sha256 first in its header',
      'another beginning',
    );
  });

  test('an average of another network', () => {
    const ema = new Map([...(averaged.snapshot.ema ?? [])].filter(([name]) => name !== 'cls2.0.bias'));
    const bytes = encodeCheckpoint({ ...averaged, snapshot: { ...averaged.snapshot, ema } });
    refuse(bytes, 'a tensor [2]', 'none of that name');
  });

  test.each([
    ['{', 'JSON'],
    ['null', 'null'],
  ])('the description %s', (text, got) => {
    refuse(
      rewritten(plain, () => text),
      'a whole checkpoint',
      got,
    );
  });

  test('a file without a digest whose recipe is invalid', async () => {
    const invalid = (text: string): string => version(2)(text.replace(/"lr":[^,]*/, '"lr":-1'));
    const file = path('checkpoint.safetensors');
    await writeFile(file, rewritten(plain, invalid));
    await expect(readCheckpoint(file)).rejects.toThrow(
      refusal(WeightsError, file, 'a whole checkpoint', 'lr: expected a number > 0, got -1'),
    );
  });

  test('moments that are not finite', () => {
    const optimizer = new Map([['exp_avg.stem1.0.bias', { data: Float32Array.of(1, NaN, 3), shape: [3] }]]);
    const bytes = encodeCheckpoint({ ...plain, snapshot: { ...plain.snapshot, optimizer } });
    refuse(bytes, 'finite', 'NaN at element 1');
  });
});

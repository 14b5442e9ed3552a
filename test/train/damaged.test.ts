/** If the last checkpoint is damaged, the run resumes from the one before with the same bits. */
import { beforeAll, expect, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { WeightsError } from '../../src/core/errors.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { readLastCheckpoint, writeCheckpoint } from '../../src/train/checkpoint.js';
import type { TrainingResult } from '../../src/train/progress.js';
import { train } from '../../src/train/train.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { collect } from './collect.js';
import { config, data as sets, EVERYTHING, on } from './everything.js';

const path = temporaryFolder();
const recipe = { ...EVERYTHING, epochs: 2, decayEpochs: 1 };
/** After step 6; the checkpoint before it is after step 5. */
const LAST = 'checkpoint-00000006.safetensors';

let whole: TrainingResult;
let original: Uint8Array;
/** Offset of the tensor data. */
let data: number;
beforeAll(async () => {
  const steps = train(sets, config, recipe, { openTrainer: on(1) });
  let next = await steps.next();
  for (; next.done !== true; next = await steps.next()) {
    if (next.value.kind === 'step') await writeCheckpoint(path(), await next.value.checkpoint());
  }
  whole = next.value;
  original = await readFile(path(LAST));
  data = 8 + Number(new DataView(original.buffer, original.byteOffset).getBigUint64(0, true));
});

const offsetOf = (text: string): number => Buffer.from(original).indexOf(text);
const flipped = (at: number, bit = 0): Uint8Array => original.with(at, original[at] ^ (1 << bit));

/** Resumes with a damaged last checkpoint. @returns the message of its error */
async function resumeWith(bytes: Uint8Array): Promise<string> {
  await writeFile(path(LAST), bytes);
  const errors: WeightsError[] = [];
  const resume = await readLastCheckpoint(path(), (error) => errors.push(error));
  if (resume === null) throw new Error('there are no checkpoints');
  expect([resume.globalStep, errors.map(({ name }) => name)]).toEqual([5, ['WeightsError']]);
  const { done } = await collect(train(sets, config, recipe, { openTrainer: on(1), resume }));
  expect(done).toEqual(whole);
  return errors[0].message;
}

test('reads an undamaged checkpoint', async () => {
  await writeFile(path(LAST), original);
  const errors: WeightsError[] = [];
  expect(await readLastCheckpoint(path(), (error) => errors.push(error))).toMatchObject({ globalStep: 6 });
  expect(errors).toEqual([]);
});

test.each<[string, () => Uint8Array, RegExp]>([
  ['that is truncated', () => original.subarray(0, -9), /cut after/],
  ['that is truncated in its header', () => original.subarray(0, 100), /cut/],
  ['that is empty', () => original.subarray(0, 0), /a safetensors file, got an empty file/],
  ['with a bit of the length flipped', () => flipped(1), /SHA-256 differs/],
  ['with a bit of the SHA-256 flipped', () => flipped(offsetOf('vanillanet.sha256') + 30), /SHA-256 differs/],
  [
    'with a bit of the key of the SHA-256 flipped',
    () => flipped(offsetOf('vanillanet.sha256') + 3),
    /vanillanet\.sha256 first/,
  ],
  ['with a bit of an offset flipped', () => flipped(offsetOf('data_offsets') + 16), /SHA-256 differs/],
  ['with a quote in the description flipped', () => flipped(offsetOf('globalStep') - 1), /SHA-256 differs/],
  ['with a step of another number', () => flipped(offsetOf('globalStep') + 13), /SHA-256 differs/],
  ['with the lowest bit of a weight flipped', () => flipped(data), /SHA-256 differs/],
  ['with a bit of its last byte flipped', () => flipped(original.length - 1, 6), /SHA-256 differs/],
])('skips a checkpoint %s', async (_, spoil, message) => {
  expect(await resumeWith(spoil())).toMatch(message);
});

/** A file of version 2, which has no SHA-256. */
function older(change: (description: string) => string): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(original);
  const text = metadata.get('vanillanet.training') ?? '';
  const description = JSON.stringify({ ...(JSON.parse(text) as object), version: 2 });
  return encodeSafetensors(tensors, { metadata: new Map([['vanillanet.training', change(description)]]) });
}

test.each<[string, (text: string) => string, string]>([
  ['a description that is not JSON', (text) => text.slice(1), 'a whole checkpoint'],
  ['an unknown key', (text) => text.replace('"drop_rate"', '"drop_rbte"'), 'a whole checkpoint'],
  ['a value out of range', (text) => text.replace(/"lr":[^,]*/, '"lr":-1'), 'a whole checkpoint'],
  ['no description', () => 'null', 'a whole checkpoint'],
])('skips a file of version 2 with %s', async (_, change, message) => {
  expect(await resumeWith(older(change))).toContain(`${LAST}: expected ${message}`);
});

/** A last checkpoint that is not what was written: the one before is gone on with, to the same bits. */
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
/** Of six steps; the one before is that of the fifth. */
const LAST = 'checkpoint-00000006.safetensors';

let whole: TrainingResult;
let written: Uint8Array;
/** Where the header ends. */
let data: number;
beforeAll(async () => {
  const steps = train(sets, config, recipe, { openTrainer: on(1) });
  let next = await steps.next();
  for (; next.done !== true; next = await steps.next()) {
    if (next.value.kind === 'step') await writeCheckpoint(path(), await next.value.checkpoint());
  }
  whole = next.value;
  written = await readFile(path(LAST));
  data = 8 + Number(new DataView(written.buffer, written.byteOffset).getBigUint64(0, true));
});

const placeOf = (text: string): number => Buffer.from(written).indexOf(text);
const flipped = (at: number, bit = 0): Uint8Array => written.with(at, written[at] ^ (1 << bit));

/** Goes on from what is there. @returns what was said of it */
async function goneOn(bytes: Uint8Array): Promise<string> {
  await writeFile(path(LAST), bytes);
  const told: WeightsError[] = [];
  const resume = await readLastCheckpoint(path(), (error) => told.push(error));
  if (resume === null) throw new Error('there are no checkpoints');
  expect([resume.globalStep, told.map(({ name }) => name)]).toEqual([5, ['WeightsError']]);
  const { done } = await collect(train(sets, config, recipe, { openTrainer: on(1), resume }));
  expect(done).toEqual(whole);
  return told[0].message;
}

test('an undamaged one is taken', async () => {
  await writeFile(path(LAST), written);
  const told: WeightsError[] = [];
  expect(await readLastCheckpoint(path(), (error) => told.push(error))).toMatchObject({ globalStep: 6 });
  expect(told).toEqual([]);
});

test.each<[string, () => Uint8Array, RegExp]>([
  ['cut short', () => written.subarray(0, -9), /sha256/],
  ['cut within its header', () => written.subarray(0, 100), /sha256|header/],
  ['empty', () => written.subarray(0, 0), /header of at least 8 bytes/],
  ['with a bit of the length flipped', () => flipped(1), /sha256/],
  ['with a bit of the SHA-256 flipped', () => flipped(placeOf('vanillanet.sha256') + 30), /sha256/],
  ['with a bit of its name flipped', () => flipped(placeOf('vanillanet.sha256') + 3), /vanillanet\.sha256 first/],
  ['with a bit of an offset flipped', () => flipped(placeOf('data_offsets') + 16), /sha256/],
  ['with a quote in the description flipped', () => flipped(placeOf('globalStep') - 1), /sha256/],
  ['with a step of another number', () => flipped(placeOf('globalStep') + 13), /sha256/],
  ['with the lowest bit of a weight flipped', () => flipped(data), /sha256/],
  ['with a bit of its last byte flipped', () => flipped(written.length - 1, 6), /sha256/],
])('a checkpoint %s', async (_, spoil, said) => {
  expect(await goneOn(spoil())).toMatch(said);
});

/** Files of versions before have no SHA-256. */
function older(change: (description: string) => string): Uint8Array {
  const { tensors, metadata } = decodeSafetensors(written);
  const text = metadata.get('vanillanet.training') ?? '';
  const description = JSON.stringify({ ...(JSON.parse(text) as object), version: 2 });
  return encodeSafetensors(tensors, { metadata: new Map([['vanillanet.training', change(description)]]) });
}

test.each<[string, (text: string) => string, string]>([
  ['a description that is no JSON', (text) => text.slice(1), 'a whole checkpoint'],
  ['a key that is none', (text) => text.replace('"drop_rate"', '"drop_rbte"'), 'a whole checkpoint'],
  ['a value out of range', (text) => text.replace(/"lr":[^,]*/, '"lr":-1'), 'a whole checkpoint'],
  ['no description', () => 'null', 'a whole checkpoint'],
])('an older one with %s', async (_, change, said) => {
  expect(await goneOn(older(change))).toContain(`${LAST}: expected ${said}`);
});

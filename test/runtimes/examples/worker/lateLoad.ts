/** Weights that come later than a request waits for them, or never. */
import assert from 'node:assert/strict';
import { FILES } from '../../../image/imageFiles.js';
import { post } from './ask.js';
import type { Gate } from './gate.js';
import { until } from './until.js';

const LOAD_MS = 300;
export const LATE = { LOAD_MS };
/** Also given up before the load of the test has begun to be late. */
export const LOST = { LOAD_MS, LOST_MS: 1000 };

async function isTold(url: string): Promise<void> {
  const { status, headers, text } = await post(url, await FILES['png of 8 bits']());
  assert.equal(status, 503, text);
  assert.equal(headers.get('Retry-After'), '1');
}

const isServed = async (url: string): Promise<boolean> =>
  (await post(url, await FILES['png of 8 bits']())).status === 200;

export async function checkLateLoad(url: string, gate: Gate): Promise<string> {
  for (let i = 0; i < 3; i++) await isTold(url);
  assert.equal(gate.asked(), 1, 'one load, that goes on');
  gate.open(0);
  assert.ok(await until(() => isServed(url), 5000), 'weights that came late');
  assert.equal(gate.asked(), 1, 'and is kept');
  return 'weights that come late are kept';
}

export async function checkLostLoad(url: string, gate: Gate): Promise<string> {
  await isTold(url);
  await new Promise((resolve) => setTimeout(resolve, LOST.LOST_MS));
  await isTold(url);
  assert.equal(gate.asked(), 2, 'a load that is lost is begun anew');
  gate.open(1);
  assert.ok(await until(() => isServed(url), 5000), 'the second load');
  gate.open(0);
  assert.ok(await isServed(url), 'the first, after all');
  assert.equal(gate.asked(), 2);
  return 'those that do not come are asked for again';
}

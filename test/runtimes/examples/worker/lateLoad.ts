/** Weights that arrive after the requests for them have timed out, or never. */
import assert from 'node:assert/strict';
import { FILES } from '../../../image/imageFiles.js';
import { post } from './ask.js';
import type { Gate } from './gate.js';
import { until } from './until.js';

const LOAD_MS = 300;
export const LATE = { LOAD_MS };
/** A load that takes longer than LOST_MS is abandoned, and the next request starts another one. */
export const LOST = { LOAD_MS, LOST_MS: 1000 };

async function expectBusy(url: string): Promise<void> {
  const { status, headers, text } = await post(url, await FILES['png of 8 bits']());
  assert.equal(status, 503, text);
  assert.equal(headers.get('Retry-After'), '1');
}

const isServed = async (url: string): Promise<boolean> =>
  (await post(url, await FILES['png of 8 bits']())).status === 200;

export async function checkLateLoad(url: string, gate: Gate): Promise<string> {
  for (let i = 0; i < 3; i++) await expectBusy(url);
  assert.equal(gate.reads(), 1, 'requests share one load');
  gate.open(0);
  assert.ok(await until(() => isServed(url), 5000), 'the late weights are used');
  assert.equal(gate.reads(), 1, 'the load is not repeated');
  return 'late weights are used';
}

export async function checkLostLoad(url: string, gate: Gate): Promise<string> {
  await expectBusy(url);
  await new Promise((resolve) => setTimeout(resolve, LOST.LOST_MS));
  await expectBusy(url);
  assert.equal(gate.reads(), 2, 'an abandoned load is repeated');
  gate.open(1);
  assert.ok(await until(() => isServed(url), 5000), 'the weights of the second load');
  gate.open(0);
  assert.ok(await isServed(url), 'the Worker still answers after the first load completes');
  assert.equal(gate.reads(), 2);
  return 'an abandoned load is repeated';
}

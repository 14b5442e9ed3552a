/**
 * The places of the queue while all requests wait for the weights: their number is limited, and disconnecting frees
 * one.
 */
import assert from 'node:assert/strict';
import { FILES } from '../../../image/imageFiles.js';
import { ask, post } from './ask.js';
import type { Gate } from './gate.js';
import { until } from './until.js';

/** The number of places in the Worker. */
export const DEPTH = 8;

export async function checkPlaces(url: string, gate: Gate): Promise<string> {
  const good = await FILES['png of 8 bits']();
  const leaving = new AbortController();
  const errors: unknown[] = [];
  // Retries if the probe below has taken the place.
  const wait = async (): Promise<void> => {
    while ((await post(url, good, { signal: leaving.signal })).status === 503);
  };
  const waiting = Array.from({ length: DEPTH }, () =>
    wait().catch((error: unknown) => {
      errors.push(error);
    }),
  );
  const isFull = await until(async () => {
    // If there is a free place, the probe would wait like the others, so it disconnects after a while.
    const { status, headers } = await post(url, good, {
      signal: AbortSignal.timeout(500),
    }).catch(() => ({ status: 0, headers: new Headers() }));
    if (status === 503) assert.equal(headers.get('Retry-After'), '1');
    return status === 503;
  }, 5000);
  assert.ok(isFull, `${DEPTH} places taken`);
  assert.equal((await ask(url)).status, 200, 'a GET takes no place');
  assert.equal(gate.reads(), 1, 'loads for all requests');

  leaving.abort();
  await Promise.all(waiting);
  assert.equal(errors.length, DEPTH);
  gate.open(0);
  assert.ok(await until(async () => (await post(url, good)).status === 200, 5000), 'the places are free again');
  const answers = await Promise.all(Array.from({ length: DEPTH }, () => post(url, good)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  return `at most ${DEPTH} requests wait for the weights; disconnecting frees their places`;
}

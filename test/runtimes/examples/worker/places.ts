/** Places in the queue, while all wait for the weights: no more of them than there are, and given back by whoever leaves. */
import assert from 'node:assert/strict';
import { FILES } from '../../../image/imageFiles.js';
import { ask, post } from './ask.js';
import type { Gate } from './gate.js';
import { until } from './until.js';

/** As the Worker has it. */
export const DEPTH = 8;

export async function checkPlaces(url: string, gate: Gate): Promise<string> {
  const good = await FILES['png of 8 bits']();
  const leaving = new AbortController();
  const gone: unknown[] = [];
  // One whose place a probe has taken comes again.
  const wait = async (): Promise<void> => {
    while ((await post(url, good, { signal: leaving.signal })).status === 503);
  };
  const waiting = Array.from({ length: DEPTH }, () =>
    wait().catch((error: unknown) => {
      gone.push(error);
    }),
  );
  const refused = await until(async () => {
    // One that finds a place waits like the others: it is to leave again.
    const { status, headers } = await post(url, good, {
      signal: AbortSignal.timeout(500),
    }).catch(() => ({ status: 0, headers: new Headers() }));
    if (status === 503) assert.equal(headers.get('Retry-After'), '1');
    return status === 503;
  }, 5000);
  assert.ok(refused, `${DEPTH} places taken`);
  assert.equal((await ask(url)).status, 200, 'a GET takes no place');
  assert.equal(gate.asked(), 1, 'loads for all of them');

  leaving.abort();
  await Promise.all(waiting);
  assert.equal(gone.length, DEPTH);
  gate.open(0);
  assert.ok(await until(async () => (await post(url, good)).status === 200, 5000), 'places of those who left');
  const answers = await Promise.all(Array.from({ length: DEPTH }, () => post(url, good)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  return `${DEPTH} wait for the weights and no more; all that hung up gave their places back`;
}

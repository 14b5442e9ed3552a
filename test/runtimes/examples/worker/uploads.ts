/** Slow uploads: they do not block other requests, and the bytes of incomplete bodies are limited. */
import assert from 'node:assert/strict';
import { FILES } from '../../../image/imageFiles.js';
import { post } from './ask.js';
import { unfinished, type Unfinished } from './unfinished.js';
import { until } from './until.js';

/** Number of clients that send one byte and stop; many more than the queue has places. */
const SLOW = 40;
const PARTS = 4;

export const UPLOADS = {
  /** Long enough for a normal client on a busy machine; some checks wait for this time to pass. */
  UPLOAD_MS: 5000,
  HELD_BYTES: PARTS * 2 ** 18,
};

export async function checkUploads(url: string): Promise<string> {
  const { UPLOAD_MS, HELD_BYTES } = UPLOADS;
  const good = await FILES['png of 8 bits']();
  const isServed = async (): Promise<boolean> => (await post(url, good)).status === 200;
  const isFull = async (): Promise<boolean> => {
    const { status, headers } = await post(url, good);
    if (status === 503) assert.equal(headers.get('Retry-After'), '1');
    return status === 503;
  };
  const startUploads = (count: number, bytes: number): Promise<readonly Unfinished[]> =>
    Promise.all(Array.from({ length: count }, () => unfinished(url, bytes + 1, bytes)));
  assert.ok(await isServed());

  const slow = await startUploads(SLOW, 1);
  for (let i = 0; i < 3; i++) assert.ok(await isServed(), `with ${SLOW} slow clients`);
  for (const { answer } of slow) assert.equal((await answer).status, 408);

  // When the limit is reached, no image is accepted; below the limit, images are.
  const part = HELD_BYTES / PARTS;
  const fewer = await startUploads(PARTS - 1, part);
  assert.ok(await isServed(), 'below the limit of bytes');
  const last = await startUploads(1, part);
  assert.ok(await until(isFull, UPLOAD_MS / 2), 'at the limit of bytes');
  for (const { answer } of [...fewer, ...last]) assert.equal((await answer).status, 408);
  assert.ok(await isServed(), 'after the slow uploads timed out');

  for (let round = 0; round < 3; round++) {
    const leaving = await startUploads(PARTS, part);
    assert.ok(await until(isFull, UPLOAD_MS / 2), `round ${round}`);
    for (const { leave } of leaving) leave();
    assert.ok(await until(isServed, UPLOAD_MS / 2), `round ${round}: after the clients disconnected`);
  }
  return `beside ${SLOW} slow clients all others are served; bodies hold at most ${HELD_BYTES} bytes, which are freed`;
}

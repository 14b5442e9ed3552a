/** Bodies that are slow to come: those of a byte are in nobody's way, and no more is held of all than is said. */
import assert from 'node:assert/strict';
import { FILES } from '../../../image/imageFiles.js';
import { post } from './ask.js';
import { unfinished, type Unfinished } from './unfinished.js';
import { until } from './until.js';

/** Clients of whom a byte comes, and then nothing: many times as many as there are places. */
const SLOW = 40;
const PARTS = 4;

export const UPLOADS = {
  /** Long enough for an honest client on a busy machine, as checks that wait it out are run too. */
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
  const some = (count: number, bytes: number): Promise<readonly Unfinished[]> =>
    Promise.all(Array.from({ length: count }, () => unfinished(url, bytes + 1, bytes)));
  assert.ok(await isServed());

  const slow = await some(SLOW, 1);
  for (let i = 0; i < 3; i++) assert.ok(await isServed(), `beside ${SLOW} slow clients`);
  for (const { answer } of slow) assert.equal((await answer).status, 408);

  // All but the last byte of what may be held leaves room for no image; less of it does.
  const part = HELD_BYTES / PARTS;
  const fewer = await some(PARTS - 1, part);
  assert.ok(await isServed(), 'beside less than may be held');
  const last = await some(1, part);
  assert.ok(await until(isFull, UPLOAD_MS / 2), 'more than may be held');
  for (const { answer } of [...fewer, ...last]) assert.equal((await answer).status, 408);
  assert.ok(await isServed(), 'after those who were too slow');

  for (let round = 0; round < 3; round++) {
    const leaving = await some(PARTS, part);
    assert.ok(await until(isFull, UPLOAD_MS / 2), `round ${round}`);
    for (const { leave } of leaving) leave();
    assert.ok(await until(isServed, UPLOAD_MS / 2), `round ${round}: after those who left`);
  }
  return `beside ${SLOW} slow clients all others are served; bodies hold at most ${HELD_BYTES} bytes, which are freed`;
}

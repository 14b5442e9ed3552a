/** Places in the queue: given back by whoever leaves, and no more of them than there are. */
import assert from 'node:assert/strict';
import { FILES } from '../../../image/imageFiles.js';
import { ask, post } from './ask.js';
import { unfinished, type Unfinished } from './unfinished.js';

/** As the Worker has it. */
export const DEPTH = 8;

/** A body of which one byte comes, and then nothing. */
const slow = (url: string): Promise<Unfinished> => unfinished(url, 100, 1);

/** Asks until it holds. */
async function until(holds: () => Promise<boolean>, ms: number): Promise<boolean> {
  for (const end = Date.now() + ms; Date.now() < end;) {
    if (await holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

/** @param uploadMs how long the Worker waits for a body */
export async function checkPlaces(url: string, uploadMs: number): Promise<string> {
  const good = await FILES['png of 8 bits']();
  const isServed = async (): Promise<boolean> => (await post(url, good)).status === 200;
  const isFull = async (): Promise<boolean> => {
    const { status, headers } = await post(url, good);
    if (status === 503) assert.equal(headers.get('Retry-After'), '1');
    return status === 503;
  };
  assert.ok(await isServed());

  // One place less than there are leaves one.
  const waiting = await Promise.all(Array.from({ length: DEPTH - 1 }, () => slow(url)));
  for (let i = 0; i < 3; i++) assert.ok(await isServed(), `${DEPTH - 1} places taken`);
  /** Takes what is left. A slow one that comes while another is served finds no place: so one after the other. */
  const fill = async (slowOnes: Unfinished[]): Promise<boolean> =>
    until(async () => {
      slowOnes.push(await slow(url));
      return isFull();
    }, 5000);
  assert.ok(await fill(waiting), `${DEPTH} places taken`);
  assert.equal((await ask(url)).status, 200, 'a GET takes no place');
  // Whoever is too slow is told so, and is no longer in the way.
  for (const { answer } of waiting) assert.equal((await answer).status, 408);
  assert.ok(await isServed(), 'after slow clients');

  // More that hang up than there are places.
  let left = 0;
  for (let round = 0; round < 3; round++) {
    const leaving: Unfinished[] = [];
    assert.ok(await fill(leaving), `round ${round}`);
    for (const { leave } of leaving) leave();
    left += leaving.length;
    assert.ok(await until(isServed, 2 * uploadMs), 'places of those who left');
  }
  // All of them, not one.
  const answers = await Promise.all(Array.from({ length: DEPTH }, () => post(url, good)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  return `${waiting.length} slow clients told so, ${left} that hung up gave their places back`;
}

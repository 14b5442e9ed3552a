/** Missing weights are an error that does not name them, and the next request tries again. */
import assert from 'node:assert/strict';
import { FILES } from '../../../image/imageFiles.js';
import { post } from './ask.js';
import type { Deployed } from './deployed.js';

export async function checkFirstLoad({ url, upload }: Deployed): Promise<string> {
  const good = await FILES['png of 8 bits']();
  for (let i = 0; i < 2; i++) {
    const { status, text } = await post(url, good);
    assert.equal(status, 500);
    assert.deepEqual(JSON.parse(text), { error: { status: 500, message: 'the server failed' } });
  }
  await upload();
  const { status, text } = await post(url, good);
  assert.equal(status, 200, text);
  return 'weights from R2, missing at first';
}

import type { Env } from './env.js';

/** Opens the weights as a stream: from R2 if a bucket is bound, else from the static assets. */
export async function openWeights({ WEIGHTS, ASSETS, WEIGHTS_FILE }: Env): Promise<ReadableStream<Uint8Array>> {
  if (WEIGHTS !== undefined) {
    const object = await WEIGHTS.get(WEIGHTS_FILE);
    if (object === null) throw new Error(`${WEIGHTS_FILE}: not in the bucket`);
    return object.body;
  }
  if (ASSETS === undefined) throw new Error('expected the binding WEIGHTS or ASSETS');
  const response = await ASSETS.fetch(`https://assets/${WEIGHTS_FILE}`);
  if (!response.ok || response.body === null) throw new Error(`${WEIGHTS_FILE}: status ${response.status}`);
  return response.body;
}

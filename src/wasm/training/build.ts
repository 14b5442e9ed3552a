import { bytes as plain } from '#wasm/train-plain';
import { bytes as relaxed } from '#wasm/train-relaxed';
import type { Build } from '../build.js';

/** The bytes of a build that trains, for one thread. */
export const trainingBytesOf = (build: Build): Uint8Array => (build === 'plain' ? plain : relaxed);

/** The same for several threads: loaded only where they are asked for. */
export async function threadedTrainingBytesOf(build: Build): Promise<Uint8Array> {
  const { bytes } = await (build === 'plain'
    ? import('#wasm/train-plain-threads')
    : import('#wasm/train-relaxed-threads'));
  return bytes;
}

import { bytes as plain } from '#wasm/train-plain';
import { bytes as relaxed } from '#wasm/train-relaxed';
import { resolveBuild, type Build, type BuildChoice } from '../build.js';

/** The build of the training module that a choice means here. @throws as `resolveBuild` */
export const resolveTrainingBuild = (choice: BuildChoice): Build => resolveBuild(choice, relaxed);

/** The bytes of the training module for one thread. */
export const trainingBytesOf = (build: Build): Uint8Array => (build === 'plain' ? plain : relaxed);

/** The bytes of the training module for several threads. Imported on demand. */
export async function threadedTrainingBytesOf(build: Build): Promise<Uint8Array> {
  const { bytes } = await (build === 'plain'
    ? import('#wasm/threads/train-plain')
    : import('#wasm/threads/train-relaxed'));
  return bytes;
}

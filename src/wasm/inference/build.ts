import { plain, relaxed } from '#wasm/builds';
import { resolveBuild, type Build, type BuildChoice } from '../build.js';
import type { WasmSource } from '../module.js';

/** The build of the inference module that a choice means here. @throws as `resolveBuild` */
export const resolveInferenceBuild = (choice: BuildChoice): Build => resolveBuild(choice, relaxed);

/** The inference module for one thread. */
export const sourceOf = (build: Build): WasmSource => (build === 'plain' ? plain : relaxed);

/** The bytes of the inference module for several threads. Imported on demand. */
export async function threadedBytesOf(build: Build): Promise<Uint8Array> {
  const { bytes } = await (build === 'plain' ? import('#wasm/threads/plain') : import('#wasm/threads/relaxed'));
  return bytes;
}

/** The option `onProgress` of everything that loads weights. */
import { checkFunction } from '../core/check.js';

/** How much of a file has arrived, in bytes. */
export interface LoadProgress {
  readonly loaded: number;
  /** Bytes of the file; null if its source does not tell them. */
  readonly total: number | null;
}

/** What it returns is awaited before the next chunk is read. */
export type OnProgress = (progress: LoadProgress) => unknown;

export interface ProgressOptions {
  /** Called after each chunk that arrives; the last call has `loaded` = `total`. A promise is awaited; an error ends the load. */
  readonly onProgress?: OnProgress | undefined;
}

/** @throws ParamError */
export const checkOnProgress = (onProgress: unknown): OnProgress | undefined =>
  onProgress === undefined ? undefined : (checkFunction('onProgress', onProgress) as OnProgress);

/** The same chunks; each is reported before it is passed on. @param total bytes of all chunks, known with the first one */
export async function* withProgress(
  chunks: AsyncIterable<Uint8Array>,
  total: () => number | null,
  onProgress: OnProgress,
): AsyncGenerator<Uint8Array> {
  let loaded = 0;
  for await (const chunk of chunks) {
    loaded += chunk.length;
    const all = total();
    // A source that sends more than it says has no known size.
    await onProgress({ loaded, total: all !== null && loaded > all ? null : all });
    yield chunk;
  }
}

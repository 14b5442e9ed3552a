import { cancelBody } from '../core/cancel.js';
import type { WeightsSource } from './weightsSource.js';

/** Cancels a source that will not be read, so that its sender stops. */
export function cancelSource(source: WeightsSource | null | undefined): void {
  // A caller without types may pass anything.
  if (typeof source !== 'object' || source === null) return;
  if ('getReader' in source) cancelBody(source);
  else if ('body' in source) cancelBody(source.body);
  else if (Symbol.asyncIterator in source) cancelIterable(source);
}

const isDestroyable = (source: object): source is { destroy(): void } =>
  'destroy' in source && typeof source.destroy === 'function';

function cancelIterable(source: AsyncIterable<Uint8Array>): void {
  try {
    // A stream of Node is not closed by `return` of an iterator that has not started.
    if (isDestroyable(source)) source.destroy();
    else
      source[Symbol.asyncIterator]()
        .return?.()
        .catch(() => undefined);
  } catch {
    // The source is invalid or has already ended.
  }
}

/** The result of `check`, which must not read the source; if it throws, the source is canceled. */
export function cancelOnError<T>(source: WeightsSource, check: () => T): T {
  try {
    return check();
  } catch (error) {
    cancelSource(source);
    throw error;
  }
}

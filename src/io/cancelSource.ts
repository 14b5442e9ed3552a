import { cancelBody } from '../core/cancel.js';
import type { WeightsSource } from './source.js';

/** For a source that nobody will read: whoever is at the other end of its stream is told. */
export function cancelSource(source: WeightsSource | null | undefined): void {
  // A caller without types may pass anything.
  if (typeof source !== 'object' || source === null) return;
  if ('getReader' in source) cancelBody(source);
  else if ('body' in source) cancelBody(source.body);
  else if (Symbol.asyncIterator in source) letGoIterable(source);
}

const isDestroyable = (source: object): source is { destroy(): void } =>
  'destroy' in source && typeof source.destroy === 'function';

function letGoIterable(source: AsyncIterable<Uint8Array>): void {
  try {
    // A stream of Node's is not ended by an iterator that was not begun.
    if (isDestroyable(source)) source.destroy();
    else
      source[Symbol.asyncIterator]()
        .return?.()
        .catch(() => undefined);
  } catch {
    // It is none, or at its end.
  }
}

/** What is looked at before a source is read: where it is refused, nobody will read. @throws what `check` does */
export function validateOrCancel<T>(source: WeightsSource, check: () => T): T {
  try {
    return check();
  } catch (error) {
    cancelSource(source);
    throw error;
  }
}

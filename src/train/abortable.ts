import { throwIfAborted, untilAborted } from '../core/abort.js';

/**
 * The values of a sequence, until the signal is aborted: then also a pending request ends.
 *
 * @throws the reason of the signal
 */
export async function* abortable<T>(
  signal: AbortSignal | null | undefined,
  sequence: AsyncIterable<T>,
): AsyncGenerator<T, void> {
  const iterator = sequence[Symbol.asyncIterator]();
  for (;;) {
    throwIfAborted(signal);
    const next = await untilAborted(signal, iterator.next());
    if (next.done === true) return;
    yield next.value;
  }
}

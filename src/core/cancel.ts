/** The end of what nobody reads any more. */

/** Lets the other end know. Nobody waits for its answer: one that has stalled gives none. */
export function cancel(reader: { cancel(): Promise<void> }): void {
  reader.cancel().catch(() => undefined);
}

/** A body that nobody reads would keep its connection, and the process. */
export function cancelBody(body: { getReader(): { cancel(): Promise<void> } } | null | undefined): void {
  try {
    if (body) cancel(body.getReader());
  } catch {
    // Somebody else reads it.
  }
}

/** Cancellation of streams that will not be read. */

/** Cancels a reader without waiting, because a stalled stream never confirms; errors are ignored. */
export function cancel(reader: { cancel(): Promise<void> }): void {
  try {
    Promise.resolve(reader.cancel()).catch(() => undefined);
  } catch {
    // The reader of a caller without types has no such method.
  }
}

/** Cancels the body of a response: an unread body keeps its connection open, and Node's process alive. */
export function cancelBody(body: { getReader(): { cancel(): Promise<void> } } | null | undefined): void {
  try {
    if (body) cancel(body.getReader());
  } catch {
    // The body is locked: it belongs to another reader.
  }
}

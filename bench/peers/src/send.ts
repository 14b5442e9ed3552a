import { writeSync } from 'node:fs';

const MESSAGES = 3;

/** Sends a message to the parent: a line of JSON on file descriptor 3. */
export function send(message: { readonly event: string }): void {
  // A pipe may accept only a part of a long line at a time.
  let rest = Buffer.from(`${JSON.stringify(message)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(MESSAGES, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

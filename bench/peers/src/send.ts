import { writeSync } from 'node:fs';

const MESSAGES = 3;

/** One message to the parent: a line of JSON on file descriptor 3. */
export function send(message: { readonly event: string }): void {
  // A pipe may take a long line in parts.
  let rest = Buffer.from(`${JSON.stringify(message)}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(MESSAGES, rest));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

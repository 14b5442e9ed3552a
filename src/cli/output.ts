/**
 * Standard output and standard error whose disk may be full and whose reader may be gone. A command continues in both
 * cases, because the results of a training or a conversion are in files.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { VanillaNetError } from '../core/errors.js';
import { reasonOf } from '../io/reason.js';
import { printError } from './print.js';

/** `head` closes its pipe (EPIPE), a closed terminal gives EIO: the reader has what it wants. */
const READER_GONE: readonly unknown[] = ['EPIPE', 'EIO'];

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException).code;

/** A stream of the process. */
export type OutputStream = Writable & { readonly fd?: number };

/**
 * Makes a stream to a file write all bytes. Node's own writes once: on a nearly full disk the rest is lost without an
 * error.
 *
 * @param write as `fs.writeSync`: returns the number of bytes written
 */
export function writeCompletely(stream: OutputStream, write: typeof writeSync = writeSync): void {
  const { fd } = stream;
  // Pipes and terminals are sockets, and write all bytes.
  if (stream instanceof Socket || fd === undefined) return;
  stream._write = (chunk: Buffer, _encoding, done) => {
    try {
      for (let at = 0; at < chunk.length;) at += write(fd, chunk, at);
    } catch (error) {
      done(error as Error);
      return;
    }
    done();
  };
}

/** Standard output could not be written. */
export class OutputError extends VanillaNetError {
  declare readonly name: 'OutputError';
  static {
    // On the prototype, as of the errors of the package.
    Object.defineProperty(this.prototype, 'name', { value: 'OutputError', configurable: true, writable: true });
  }
}

/** Whether the output of the command is complete. */
export interface OutputGuard {
  /** The error of stdout; null if everything was written, or its reader is gone. */
  readonly failure: () => OutputError | null;
}

/**
 * Handles errors of the process's streams: reports the first of stdout on stderr, and ignores those of stderr, which
 * cannot be reported.
 */
export function guardOutput(
  stdout: OutputStream = process.stdout,
  stderr: OutputStream = process.stderr,
  report: (error: OutputError) => void = printError,
): OutputGuard {
  let failure: OutputError | null = null;
  for (const stream of [stdout, stderr]) writeCompletely(stream);
  stderr.on('error', () => undefined);
  stdout.on('error', (cause: unknown) => {
    if (failure !== null || READER_GONE.includes(codeOf(cause))) return;
    failure = new OutputError({ op: 'stdout', expected: 'a file to write', got: reasonOf(cause) }, { cause });
    report(failure);
  });
  return { failure: () => failure };
}

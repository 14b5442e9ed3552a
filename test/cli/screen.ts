import { Writable } from 'node:stream';

/** Keeps what was written; a terminal where it has columns. */
export class Screen extends Writable {
  text = '';
  readonly isTTY: boolean;

  constructor(readonly columns?: number) {
    super();
    this.isTTY = columns !== undefined;
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Without cursor movements and colors. */
// eslint-disable-next-line no-control-regex -- that is what a terminal is told with
export const plain = (text: string): string => text.replace(/\x1b(\[[\d;?]*[A-Za-z]|[78])/g, '');

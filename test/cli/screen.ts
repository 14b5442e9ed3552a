import { Writable } from 'node:stream';

/** A stream that records its output; with columns, a terminal. */
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

/** The text without cursor movements and colors. */
// eslint-disable-next-line no-control-regex -- the escape character starts the sequences
export const plain = (text: string): string => text.replace(/\x1b(\[[\d;?]*[A-Za-z]|[78])/g, '');

/** Bytes of a file that are read in blocks and kept for a while: the library reads a few bytes at a time. */
const BLOCK = 2 ** 16;
const BLOCKS = 64;

/** Fills `target` with the bytes from an offset on. */
export type ReadBytes = (offset: number, target: Uint8Array) => void;

export class BlockCache {
  /** By their numbers; the one that was used last is the last. */
  readonly #blocks = new Map<number, Uint8Array>();

  constructor(
    readonly size: number,
    private readonly read: ReadBytes,
  ) {}

  /** Fills `target` with the bytes from `offset` on. @returns how many there are before the end of the file */
  fill(offset: number, target: Uint8Array): number {
    const length = Math.max(0, Math.min(target.length, this.size - offset));
    if (length >= BLOCK) {
      this.read(offset, target.subarray(0, length));
      return length;
    }
    for (let done = 0; done < length;) {
      const at = offset + done;
      const block = this.#block(Math.floor(at / BLOCK));
      const part = block.subarray(at % BLOCK, (at % BLOCK) + length - done);
      target.set(part, done);
      done += part.length;
    }
    return length;
  }

  #block(number: number): Uint8Array {
    const start = number * BLOCK;
    let block = this.#blocks.get(number);
    if (block === undefined) {
      block = new Uint8Array(Math.min(BLOCK, this.size - start));
      this.read(start, block);
    }
    this.#blocks.delete(number);
    this.#blocks.set(number, block);
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > BLOCKS) this.#blocks.delete(oldest);
    return block;
  }
}

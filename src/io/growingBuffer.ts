/** Bytes that arrive in chunks of any size; appending is linear in the bytes. */
export class GrowingBuffer {
  #memory = new Uint8Array(2 ** 12);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** A view of the bytes, valid until more are added. */
  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.#length);
  }

  /** Copies a chunk to the end. */
  add(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#memory.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#memory.length));
      larger.set(this.bytes);
      this.#memory = larger;
    }
    this.#memory.set(chunk, this.#length);
    this.#length = length;
  }
}

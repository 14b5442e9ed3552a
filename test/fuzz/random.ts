/** A generator of random numbers that a text seeds, so that every input can be drawn again alone. */
export class Random {
  readonly #state = new Uint32Array(4);

  /** @param seed for example `7/safetensors/1234` */
  constructor(seed: string) {
    // FNV-1a, once for each word with another beginning; then a few draws to mix.
    for (let word = 0; word < 4; word++) {
      let hash = 0x811c9dc5 ^ (word * 0x9e3779b9);
      for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
      this.#state[word] = hash;
    }
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** The next 32 bits, by sfc32 of Chris Doty-Humphrey's PractRand. */
  uint32(): number {
    const [a, b, c, counter] = this.#state;
    const sum = (a + b + counter) >>> 0;
    this.#state[0] = b ^ (b >>> 9);
    this.#state[1] = c + (c << 3);
    this.#state[2] = ((c << 21) | (c >>> 11)) + sum;
    this.#state[3] = counter + 1;
    return sum;
  }

  /** Uniform in [0, 1). */
  unit(): number {
    return this.uint32() / 2 ** 32;
  }

  /** An integer in [low, high]. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  /** Uniform in [low, high). */
  number(low: number, high: number): number {
    return low + this.unit() * (high - low);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.integer(0, values.length - 1)];
  }

  /** An integer >= 0 that is mostly small: half of them are 0, a quarter 1, … */
  few(most: number): number {
    let count = 0;
    while (count < most && this.chance(0.5)) count++;
    return count;
  }

  bytes(length: number): Uint8Array {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.uint32();
    return new Uint8Array(words.buffer, 0, length).slice();
  }
}

import { BackendUnavailableError, ParamError } from '../core/errors.js';
import type { WasmMemory } from './module.js';

/** What 32-bit addresses reach. */
const ADDRESS_SPACE = 2 ** 32;
const PAGE = 2 ** 16;
const MIB = 2 ** 20;

const align = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** Rounded up to a tenth: so much is enough. */
export const formatMib = (bytes: number): string => `${Math.ceil((10 * bytes) / MIB) / 10} MiB`;

/**
 * Linear memory, laid out before it is there: first every block is reserved, then
 * `commit` grows the memory once. Nothing grows, moves or is freed afterwards, so
 * addresses and views stay good.
 */
export class Arena {
  readonly #op: string;
  readonly #remedy: string;
  #end: number;

  /**
   * @param op who asks, for the error
   * @param base where free memory begins
   * @param remedy what makes less of it enough, for the error; none where it is not given
   */
  constructor(op: string, base: number, remedy?: string) {
    this.#op = op;
    this.#remedy = remedy === undefined ? '' : `; ${remedy}`;
    this.#end = align(base);
  }

  /**
   * Address of a block of so many bytes, a multiple of 16.
   * @throws ParamError where 32-bit addresses do not reach so far; nothing has been allocated yet.
   */
  reserve(bytes: number): number {
    const block = this.#end;
    this.#end = align(block + bytes);
    if (this.#end > ADDRESS_SPACE) {
      throw new ParamError({
        op: this.#op,
        expected: `what fits into ${formatMib(ADDRESS_SPACE)} of WebAssembly memory`,
        got: `at least ${formatMib(this.#end)}${this.#remedy}`,
      });
    }
    return block;
  }

  /** Where the next block would begin: all of them lie before it. */
  get end(): number {
    return this.#end;
  }

  /** Address of a block of so many float32. */
  reserveFloats(count: number): number {
    return this.reserve(4 * count);
  }

  /**
   * Makes the memory large enough for all that was reserved.
   *
   * @throws BackendUnavailableError where the machine does not give so much.
   */
  commit(memory: WasmMemory): void {
    const missing = this.#end - memory.buffer.byteLength;
    if (missing <= 0) return;
    try {
      memory.grow(Math.ceil(missing / PAGE));
    } catch (cause) {
      const got = `a machine that refused them${this.#remedy}`;
      throw new BackendUnavailableError(
        { op: this.#op, expected: `${formatMib(this.#end)} of memory`, got },
        { cause },
      );
    }
  }
}

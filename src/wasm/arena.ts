import { BackendUnavailableError, ParamError } from '../core/errors.js';
import type { WasmMemory } from './module.js';

/** Bytes that 32-bit addresses can reach. */
const ADDRESS_SPACE = 2 ** 32;
const PAGE = 2 ** 16;
const MIB = 2 ** 20;

const align = (bytes: number): number => Math.ceil(bytes / 16) * 16;

/** MiB, rounded up to a tenth. */
export const formatMib = (bytes: number): string => `${Math.ceil((10 * bytes) / MIB) / 10} MiB`;

/**
 * Plans linear memory before it is allocated: first every block is reserved, then `commit` grows the memory once. Nothing
 * is moved or freed afterwards, so addresses and views remain valid.
 */
export class Arena {
  readonly #op: string;
  readonly #hint: (() => string) | undefined;
  #end: number;

  /**
   * @param op the `op` of its errors
   * @param base where free memory begins
   * @param hint computes the `hint` of its errors: how to need less memory
   */
  constructor(op: string, base: number, hint?: () => string) {
    this.#op = op;
    this.#hint = hint;
    this.#end = align(base);
  }

  /**
   * Reserves a block.
   *
   * @returns its address, a multiple of 16
   * @throws ParamError if the blocks exceed 32-bit addresses; nothing is allocated yet
   */
  reserve(bytes: number): number {
    const block = this.#end;
    this.#end = align(block + bytes);
    if (this.#end > ADDRESS_SPACE) {
      throw new ParamError({
        op: this.#op,
        expected: `what fits into ${formatMib(ADDRESS_SPACE)} of WebAssembly memory`,
        got: `at least ${formatMib(this.#end)}`,
        hint: this.#hint?.(),
      });
    }
    return block;
  }

  /** The end of the last block. */
  get end(): number {
    return this.#end;
  }

  /** Reserves a block of float32 numbers. @returns its address */
  reserveFloats(count: number): number {
    return this.reserve(4 * count);
  }

  /**
   * Grows the memory so that it holds all blocks.
   *
   * @throws BackendUnavailableError if the machine does not have enough memory
   */
  commit(memory: WasmMemory): void {
    const missing = this.#end - memory.buffer.byteLength;
    if (missing <= 0) return;
    try {
      memory.grow(Math.ceil(missing / PAGE));
    } catch (cause) {
      throw new BackendUnavailableError(
        {
          op: this.#op,
          expected: `${formatMib(this.#end)} of memory`,
          got: 'a machine that refused them',
          hint: this.#hint?.(),
        },
        { cause },
      );
    }
  }
}

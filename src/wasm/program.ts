/** A program in linear memory: a list of regions that assembly/shared/team.ts runs in order. */
import type { Arena } from './arena.js';
import { layOut } from './descriptor.js';
import { MOST_PARTS, PITCH, PROGRAM, REGION, REGIONS } from './sharedDescriptors.js';

/** Values to write before the program runs: unsigned 32-bit integers from an address on. */
export type Words = readonly (readonly [address: number, values: readonly number[]])[];

/** Panels that a thread takes at a time: few, so that all threads finish a region at about the same time. */
const chunkOf = (panels: number, threads: number): number =>
  threads === 1 ? panels : Math.max(1, Math.min(16, Math.floor(panels / (16 * threads))));

/** The values of a record whose fields are all unsigned integers of 32 bits, in order. */
function wordsOf<K extends string>(fields: Readonly<Record<K, 'u32'>>, values: Readonly<Record<K, number>>): number[] {
  return [...layOut(fields).offsets.keys()].map((name) => values[name as K]);
}

/** Builds a program. */
export class Program {
  readonly address: number;
  readonly words: [number, number[]][];
  readonly #threads: number;
  readonly #regions: { readonly address: number; readonly panels: number }[] = [];

  /**
   * @param regions how many regions it may have
   * @param parts into how many parts the panels of a region are split. Each thread takes the panels of its own part
   *   first, which pays if regions work on the same maps one after the other. With one part, all threads take the next panel.
   */
  constructor(arena: Arena, regions: number, threads: number, parts = 1) {
    this.address = arena.reserve(REGIONS + PITCH * regions);
    const head = { state: 0, active: 0, first: 0, last: 0, parts: Math.min(parts, MOST_PARTS) };
    this.words = [[this.address, wordsOf(PROGRAM, head)]];
    this.#threads = threads;
  }

  /** The number of regions so far, which is the index of the next one. */
  get length(): number {
    return this.#regions.length;
  }

  /** The addresses of regions `first` to `last` (exclusive), and the numbers of their panels. */
  regions(first: number, last: number): readonly { readonly address: number; readonly panels: number }[] {
    return this.#regions.slice(first, last);
  }

  /** Adds a region. @returns its address */
  add(kind: number, operands: number, panels: number): number {
    const address = this.address + REGIONS + PITCH * this.#regions.length;
    this.#regions.push({ address, panels });
    this.words.push([address, wordsOf(REGION, { kind, operands, panels, chunk: chunkOf(panels, this.#threads) })]);
    return address;
  }

  /** Adds values of a record elsewhere in memory, which are written together with the program. */
  addRecord<K extends string>(
    address: number,
    fields: Readonly<Record<K, 'u32'>>,
    values: Readonly<Record<K, number>>,
  ): void {
    this.words.push([address, wordsOf(fields, values)]);
  }
}

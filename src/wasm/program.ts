/** A program as it lies in memory: what assembly/shared/team.ts runs. */
import type { Arena } from './arena.js';

/** Bytes before a program's regions, and of each of them. */
const HEAD = 128;
const PITCH = 128;
/** Counters that a region has room for. */
const MOST_PARTS = 15;

/** Words to be written before anything runs: unsigned integers, from an address on. */
export type Words = readonly (readonly [address: number, values: readonly number[]])[];

/** How many panels a thread takes at a time: few enough that the last ones end together. */
const chunkOf = (panels: number, threads: number): number =>
  threads === 1 ? panels : Math.max(1, Math.min(16, Math.floor(panels / (16 * threads))));

/** A program while it is being written down. */
export class Program {
  readonly address: number;
  readonly words: [number, number[]][];
  readonly #threads: number;
  #regions = 0;

  /**
   * @param regions how many there will be at most
   * @param parts of every region, of which each thread takes its own first; 1 where regions do not go over the
   *   same maps, and whoever is free takes the next panel
   */
  constructor(arena: Arena, regions: number, threads: number, parts = 1) {
    this.address = arena.reserve(HEAD + PITCH * regions);
    this.words = [[this.address, [0, 0, 0, 0, Math.min(parts, MOST_PARTS)]]];
    this.#threads = threads;
  }

  /** How many regions there are so far: the index of the next. */
  get length(): number {
    return this.#regions;
  }

  /** Adds a region; the fields are those of `Region` in assembly/shared/team.ts. @returns its address */
  add(kind: number, operands: number, panels: number): number {
    const address = this.address + HEAD + PITCH * this.#regions++;
    this.words.push([address, [kind, operands, panels, chunkOf(panels, this.#threads)]]);
    return address;
  }
}

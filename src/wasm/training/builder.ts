/** A network's layout while it is being worked out: what all its units share. */
import type { MapShape } from '../../core/network.js';
import type { Arena } from '../arena.js';
import { reserveDescriptor, type Descriptor, type Fields, type FieldValues } from '../descriptor.js';
import { roundUpToLanes } from '../packedShape.js';
import type { Program } from '../program.js';
import { REGION_KIND } from './descriptors.js';
import { planesBytes, type Planes } from './planes.js';
import type { TensorBlock } from './tensors.js';

/** Blocks that units use one after the other. */
export interface Shared {
  /** [n,in_chans,h,w] */
  readonly images: number;
  /** λ, and 1 where there is no activation to learn to do without: float32. */
  readonly lambda: number;
  readonly one: number;
  /** See `Conv2d` in assembly/training/conv2d.ts. */
  readonly transposed: number;
  readonly panels: number;
  /** Gradients go back and forth between these two. */
  readonly sides: readonly [number, number];
}

export class Builder {
  readonly #writes: ((view: DataView) => void)[] = [];

  constructor(
    readonly arena: Arena,
    readonly program: Program,
    /** Images of a batch. */
    readonly n: number,
    readonly shared: Shared,
    readonly tensors: ReadonlyMap<string, TensorBlock>,
  ) {}

  /** Reserves a descriptor that will hold these values; those left out are written later, or from step to step. */
  place<K extends string>(fields: Fields<K>, values: FieldValues<K>): Descriptor<K> {
    const placed = reserveDescriptor(this.arena, fields);
    this.write(placed, values);
    return placed;
  }

  write<K extends string>(placed: Descriptor<K>, values: FieldValues<K>): void {
    this.#writes.push((view) => {
      placed.set(view, values);
    });
  }

  /** Adds a region to the program. */
  run(kind: keyof typeof REGION_KIND, { address }: { readonly address: number }, panels: number): void {
    this.program.add(REGION_KIND[kind], address, panels);
  }

  planes([channels, h, w]: MapShape): Planes {
    const full = roundUpToLanes(channels);
    return { block: this.arena.reserve(planesBytes(full, this.n * h * w)), channels: full, h, w };
  }

  /** A parameter and its gradient, or a buffer. */
  tensor(name: string): { readonly block: number; readonly grad: number } {
    const found = this.tensors.get(name);
    if (found === undefined) throw new Error(`no tensor ${name} in the layout`);
    return { block: found.block, grad: found.grad ?? 0 };
  }

  otherSide(side: number): number {
    const [one, other] = this.shared.sides;
    return side === one ? other : one;
  }

  /** Writes the program and all descriptors. */
  writeAll(view: DataView): void {
    for (const [address, values] of this.program.words) {
      values.forEach((value, i) => {
        view.setUint32(address + 4 * i, value, true);
      });
    }
    for (const write of this.#writes) write(view);
  }
}

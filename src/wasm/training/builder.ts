/** Builds the layout of a network in training; shared by all its units. */
import { keepsStatistics } from '../../core/freeze.js';
import type { MapShape } from '../../core/network.js';
import type { RunningVar } from '../../core/trainingRules.js';
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
  /** λ, and 1 for batch norms without an activation; float32. */
  readonly lambda: number;
  readonly one: number;
  /** See `Conv2d` in assembly/training/conv2d.ts. */
  readonly transposed: number;
  readonly panels: number;
  /** Gradients alternate between these two blocks. */
  readonly sides: readonly [number, number];
}

export interface PassOptions {
  /** Images of a pass. */
  readonly n: number;
  /** The variance that updates the running statistics. */
  readonly runningVar: RunningVar;
  /** Tensors that no step changes. */
  readonly frozen: ReadonlySet<string>;
}

export class Builder {
  readonly #writes: ((view: DataView) => void)[] = [];

  constructor(
    readonly arena: Arena,
    readonly program: Program,
    private readonly pass: PassOptions,
    readonly shared: Shared,
    readonly tensors: ReadonlyMap<string, TensorBlock>,
  ) {}

  /** Images of a pass. */
  get n(): number {
    return this.pass.n;
  }

  /** The variance that updates the running statistics. */
  get runningVar(): RunningVar {
    return this.pass.runningVar;
  }

  /** Whether steps change the parameters of a layer. */
  isTrained(layer: string): boolean {
    return (this.tensors.get(`${layer}.weight`)?.grad ?? null) !== null;
  }

  /** Whether a batch norm normalizes by its running statistics in training, too. */
  keepsStatistics(layer: string): boolean {
    return keepsStatistics(this.pass.frozen, layer);
  }

  /** Reserves a descriptor with these values; the others are written later, or in every step. */
  place<K extends string>(fields: Fields<K>, values: FieldValues<K>): Descriptor<K> {
    const descriptor = reserveDescriptor(this.arena, fields);
    this.write(descriptor, values);
    return descriptor;
  }

  write<K extends string>(descriptor: Descriptor<K>, values: FieldValues<K>): void {
    this.#writes.push((view) => {
      descriptor.set(view, values);
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

  /** The addresses of a parameter and its gradient; `grad` is 0 for a buffer, and for a parameter that stays as it is. */
  tensor(name: string): { readonly block: number; readonly grad: number } {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new Error(`no tensor ${name} in the layout`);
    return { block: tensor.block, grad: tensor.grad ?? 0 };
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

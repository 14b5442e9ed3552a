import type { Tensor } from '../../reference/index.js';

/** The oracle as a value, so that a judge can be handed a deliberately broken copy. */
export type Reference = typeof import('../../reference/index.js');

export type Tensors = Readonly<Record<string, Tensor>>;

/** One differentiable call: gradients of Σ dy·y are held against central differences. */
export interface GradientCase {
  readonly name: string;
  /** Drawn away from kinks and ties. */
  readonly inputs: Tensors;
  readonly forward: (ref: Reference, inputs: Tensors) => Tensor | number;
  /** The gradient of each input that has one, by the input's name. `dy` is 1 for a loss. */
  readonly backward: (ref: Reference, dy: Tensor, inputs: Tensors) => Tensors;
}

/** A call that must be refused. */
export interface ErrorCase {
  readonly name: string;
  readonly run: (ref: Reference) => unknown;
  readonly error: 'ShapeError' | 'ParamError' | 'WeightsError' | 'FusionError';
  readonly op: string;
  readonly expected: string;
  readonly got: string;
  /** The remedy, if the error has one. */
  readonly hint?: string;
}

/** A property that goldens and differences do not show, such as the slope at a kink. */
export interface Fact {
  readonly name: string;
  readonly got: (ref: Reference) => readonly number[];
  readonly want: readonly number[];
}

/** All that is known of one op: rows for every judge. */
export interface OpSpec {
  readonly op: string;
  /** From a golden case's tensors and scalars to the tensors it stores, by name; null where goldens are read elsewhere. */
  readonly golden:
    ((ref: Reference, inputs: Tensors, scalars: Scalars) => Readonly<Record<string, Tensor | number>>) | null;
  readonly gradients: readonly GradientCase[];
  readonly errors: readonly ErrorCase[];
  readonly facts?: readonly Fact[];
}

/** The numbers and words of a golden case. */
export class Scalars {
  constructor(private readonly values: Readonly<Record<string, unknown>>) {}

  #get(key: string): unknown {
    if (!(key in this.values)) throw new Error(`the golden case has no ${key}`);
    return this.values[key];
  }

  number(key: string): number {
    const value = this.#get(key);
    if (typeof value !== 'number') throw new Error(`${key} is no number`);
    return value;
  }

  numbers(key: string): number[] {
    const value = this.#get(key);
    if (!Array.isArray(value)) throw new Error(`${key} is no list`);
    return value.map(Number);
  }

  boolean(key: string): boolean {
    const value = this.#get(key);
    if (typeof value !== 'boolean') throw new Error(`${key} is no truth value`);
    return value;
  }

  word<W extends string>(key: string, words: readonly W[]): W {
    const value = this.#get(key);
    const found = words.find((word) => word === value);
    if (found === undefined) throw new Error(`${key} is none of ${words.join(', ')}`);
    return found;
  }
}

import type { Tensor } from '../../reference/index.js';

/** The reference as a value, so that a judge can be tested with a deliberately broken copy. */
export type Reference = typeof import('../../reference/index.js');

export type Tensors = Readonly<Record<string, Tensor>>;

/** A differentiable call: gradients of Σ dy·y are compared with central differences. */
export interface GradientCase {
  readonly name: string;
  /** Inputs away from kinks and ties. */
  readonly inputs: Tensors;
  /** Of large inputs, the distance of the elements that are compared; 1 by default. */
  readonly spacing?: Readonly<Record<string, number>>;
  readonly forward: (ref: Reference, inputs: Tensors) => Tensor | number;
  /** The gradients by the name of their input. `dy` is 1 for a loss. */
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

/** A property that goldens and differences do not cover, for example the slope at a kink. */
export interface Fact {
  readonly name: string;
  readonly got: (ref: Reference) => readonly number[];
  readonly want: readonly number[];
}

/** The cases of an op, for all judges. */
export interface OpSpec {
  readonly op: string;
  /** Computes the stored tensors of a golden case from its inputs, by name; null if another test reads the goldens. */
  readonly golden:
    ((ref: Reference, inputs: Tensors, scalars: Scalars) => Readonly<Record<string, Tensor | number>>) | null;
  readonly gradients: readonly GradientCase[];
  readonly errors: readonly ErrorCase[];
  readonly facts?: readonly Fact[];
}

/** The scalars and strings of a golden case. */
export class Scalars {
  constructor(private readonly values: Readonly<Record<string, unknown>>) {}

  #get(key: string): unknown {
    if (!(key in this.values)) throw new Error(`the golden case has no ${key}`);
    return this.values[key];
  }

  number(key: string): number {
    const value = this.#get(key);
    if (typeof value !== 'number') throw new Error(`${key} is not a number`);
    return value;
  }

  numbers(key: string): number[] {
    const value = this.#get(key);
    if (!Array.isArray(value)) throw new Error(`${key} is not a list`);
    return value.map(Number);
  }

  boolean(key: string): boolean {
    const value = this.#get(key);
    if (typeof value !== 'boolean') throw new Error(`${key} is not a boolean`);
    return value;
  }

  word<W extends string>(key: string, words: readonly W[]): W {
    const value = this.#get(key);
    const match = words.find((word) => word === value);
    if (match === undefined) throw new Error(`${key} is not one of ${words.join(', ')}`);
    return match;
  }
}

/** What the runner asks of an implementation. */
import type { Tensor } from '../src/core/tensor.js';
import type { Attributes } from './vectors.js';

export type Tensors = ReadonlyMap<string, Tensor>;

/**
 * Computes the outputs of a case from its inputs, by the names in the JSON files. An output that the port does not compute
 * is left out.
 *
 * @throws NotOffered for attributes that the port does not have
 */
export type PortFunction = (inputs: Tensors, attributes: Attributes) => Tensors | Promise<Tensors>;

export interface Port {
  readonly name: string;
  /** The numbers in which it computes: its tolerance. */
  readonly precision: Precision;
  /** By the `op` of a case; ops without a function are not offered. */
  readonly functions: Readonly<Record<string, PortFunction>>;
}

export type Precision = 'float32' | 'float64';

/** A port throws it for a case that it does not offer. */
export class NotOffered extends Error {}

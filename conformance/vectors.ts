/** The cases of the kit: a JSON file that describes them, and a safetensors file with their tensors, for each group. */
import { readFileSync } from 'node:fs';
import { decodeSafetensors } from '../src/io/safetensors.js';
import type { Tensor } from '../src/core/tensor.js';

/** Values of an attribute: those of JSON. */
export type Attributes = Readonly<Record<string, unknown>>;

/** A known fault of ports, and what a port that has it computes. */
export interface Fault {
  readonly name: string;
  readonly description: string;
  readonly outputs: ReadonlyMap<string, Expected>;
}

export interface Expected {
  readonly values: Tensor;
  /**
   * How far a float32 port may be off: of the shape of the values, for each of them; or one number, for the Euclidean
   * norm of all differences.
   */
  readonly bound: Tensor;
}

/** One call of a function, and its results. */
export interface Case {
  /** `conv2d/stem` */
  readonly name: string;
  /** The function of the port. */
  readonly op: string;
  readonly attributes: Attributes;
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Expected>;
  readonly faults: readonly Fault[];
}

/** A case in the JSON file. */
export interface CaseEntry extends Pick<Case, 'name' | 'op' | 'attributes'> {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly faults: readonly (Pick<Fault, 'name' | 'description'> & { readonly outputs: readonly string[] })[];
}

export const GROUPS = ['ops', 'blocks', 'variants', 'fusion', 'quantization', 'training', 'images'] as const;

export type Group = (typeof GROUPS)[number];

export const VECTORS = new URL('./vectors/', import.meta.url);

/** The names of tensors in the safetensors file. `results` are those of a case, or of one of its faults. */
export const keys = {
  input: (name: string, tensor: string): string => `${name}/input/${tensor}`,
  values: (results: string, tensor: string): string => `${results}/expected/${tensor}`,
  bound: (results: string, tensor: string): string => `${results}/bound/${tensor}`,
  fault: (name: string, fault: string): string => `${name}/fault/${fault}`,
};

export function readGroup(group: Group, folder = VECTORS): Case[] {
  const entries = JSON.parse(readFileSync(new URL(`${group}.json`, folder), 'utf8')) as CaseEntry[];
  const { tensors } = decodeSafetensors(readFileSync(new URL(`${group}.safetensors`, folder)), group);
  const pick = (key: string): Tensor => {
    const value = tensors.get(key);
    if (value === undefined) throw new Error(`${group}.safetensors has no tensor ${key}`);
    return value;
  };
  const results = (key: string, tensors: readonly string[]): Map<string, Expected> =>
    new Map(
      tensors.map((tensor) => [
        tensor,
        { values: pick(keys.values(key, tensor)), bound: pick(keys.bound(key, tensor)) },
      ]),
    );
  return entries.map(({ name, op, attributes, inputs, outputs, faults }) => ({
    ...{ name, op, attributes },
    inputs: new Map(inputs.map((tensor) => [tensor, pick(keys.input(name, tensor))])),
    outputs: results(name, outputs),
    faults: faults.map((fault) => ({ ...fault, outputs: results(keys.fault(name, fault.name), fault.outputs) })),
  }));
}

/** Writes the vectors into a folder: `npm run goldens` shows and writes what changes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StateDict, Tensor } from '../../src/core/tensor.js';
import { layOut } from '../../src/io/safetensorsLayout.js';
import { keys, type Case, type CaseEntry, type Expected, type Group } from '../vectors.js';
import { imageCases } from './images.js';
import { blockCases, fusionCases, variantCases } from './networks.js';
import { opCases } from './ops.js';
import { quantizationCases } from './quantization.js';
import { trainingCases } from './training.js';

const CASES: Readonly<Record<Group, () => readonly Case[] | Promise<readonly Case[]>>> = {
  ops: opCases,
  blocks: blockCases,
  variants: variantCases,
  fusion: fusionCases,
  quantization: quantizationCases,
  training: trainingCases,
  images: imageCases,
};

const bytesOf = ({ data }: Tensor): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** A safetensors file of float32 and float64 tensors, as they are. */
export function encode(tensors: StateDict): Uint8Array {
  const { head, entries, size } = layOut(
    [...tensors].map(([name, value]) => ({
      ...{ name, shape: value.shape, value },
      dtype: value.data instanceof Float64Array ? ('F64' as const) : ('F32' as const),
    })),
    undefined,
  );
  const file = new Uint8Array(size);
  file.set(head);
  for (const { entry, begin } of entries) file.set(bytesOf(entry.value), begin);
  return file;
}

function tensorsOf(cases: readonly Case[]): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  const putResults = (key: string, results: ReadonlyMap<string, Expected>): void => {
    for (const [name, { values, bound }] of results) {
      tensors.set(keys.values(key, name), values);
      tensors.set(keys.bound(key, name), bound);
    }
  };
  for (const { name, inputs, outputs, faults } of cases) {
    for (const [input, value] of inputs) tensors.set(keys.input(name, input), value);
    putResults(name, outputs);
    for (const fault of faults) putResults(keys.fault(name, fault.name), fault.outputs);
  }
  return tensors;
}

const entryOf = ({ name, op, attributes, inputs, outputs, faults }: Case): CaseEntry => ({
  ...{ name, op, attributes },
  inputs: [...inputs.keys()],
  outputs: [...outputs.keys()],
  faults: faults.map(({ name: fault, description, outputs: results }) => ({
    ...{ name: fault, description },
    outputs: [...results.keys()],
  })),
});

export async function writeVectors(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [group, make] of Object.entries(CASES)) {
    const cases = await make();
    writeFileSync(join(folder, `${group}.json`), `${JSON.stringify(cases.map(entryOf), null, 1)}\n`);
    writeFileSync(join(folder, `${group}.safetensors`), encode(tensorsOf(cases)));
  }
}

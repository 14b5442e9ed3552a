/** Networks that PyTorch writes, converts and runs: see networks.py. */
import { expect } from '@jest/globals';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  VARIANTS,
  resolveConfig,
  type ModelConfig,
  type ModelConfigInput,
  type VariantName,
} from '../../src/core/config.js';
import type { StateDict } from '../../src/core/tensor.js';
import { outputFormat } from '../../src/formats/exportWeights.js';
import { importWeights, type ImportedWeights } from '../../src/formats/importWeights.js';
import { checkedTensors } from '../../src/formats/recognize.js';
import { readWeights } from '../../src/io/weightsFile.js';
import { Model } from '../../src/model/model.js';
import { drawProbe, fuseState } from '../../src/oracle/fuse.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';
import { GOLDEN_TOLERANCE } from '../judges/golden.js';

const SCRIPT = fileURLToPath(new URL('networks.py', import.meta.url));

/** Images that networks are compared on. */
export const IMAGES = 2;

/** What the fused network in float32 is off by at most, of the largest logit: not derived. */
const MEASURED = 1e-5;

export interface Job {
  readonly name: string;
  readonly variant: VariantName;
  readonly dims: readonly number[];
  readonly strides: readonly number[];
  readonly ada_pool: readonly number[] | null;
  readonly num_classes: number;
  readonly act_num: number;
  readonly input_size: number;
  readonly seed: number;
}

/** A variant with a part of its channels. The input is that of the variant, as the sizes of adaptive pools are. */
export function jobFor(variant: VariantName, divisor: number, num_classes: number, seed: number): Job {
  const { dims, strides, ada_pool } = resolveConfig({ variant });
  const narrow = dims.map((channels) => channels / divisor);
  return {
    ...{ name: `${variant}-${divisor}`, variant, dims: narrow, strides, ada_pool, num_classes, act_num: 3 },
    ...{ input_size: 224, seed },
  };
}

export const VARIANT_NAMES = Object.keys(VARIANTS) as VariantName[];

/** Writes the networks of jobs into a folder by an interpreter with PyTorch. */
export async function writeNetworks(interpreter: string, folder: string, jobs: readonly Job[]): Promise<void> {
  for (const { name, input_size } of jobs) {
    const { data } = drawProbe([IMAGES, 3, input_size, input_size]);
    await writeFile(join(folder, `${name}.x`), Float64Array.from(data));
  }
  await writeFile(join(folder, 'jobs.json'), JSON.stringify(jobs));
  await promisify(execFile)(interpreter, [SCRIPT, folder]);
}

export async function float64sIn(file: string): Promise<Float64Array> {
  const { buffer, byteOffset, byteLength } = await readFile(file);
  return new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
}

export interface ConvertedNetwork {
  readonly recognition: ImportedWeights;
  readonly state: StateDict;
  readonly config: ModelConfig;
}

/** Converts a file to safetensors with every bit, as `vanillanet convert`, and reads that. */
export async function converted(
  file: string,
  output: string,
  config: ModelConfigInput = {},
): Promise<ConvertedNetwork> {
  const recognition = await importWeights(file, { config });
  const tensors = [...checkedTensors(recognition, file)].map(([name, tensor]) => ({
    ...{ name, shape: tensor.shape, dtype: tensor.dtype === 'int64' ? ('I64' as const) : ('F32' as const) },
    read: () => tensor.read(),
  }));
  await outputFormat(output).write(output, tensors, recognition.config);
  await recognition.close();
  return { recognition, ...(await readWeights(output)) };
}

export const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, v) => Math.max(most, Math.abs(v)), 0);

export const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  largest(Float64Array.from(a, (v, i) => v - b[i]));

/** The logits of a network of the deploy form in WebAssembly. */
async function logitsOf(state: StateDict, config: ModelConfig, x: ArrayLike<number>): Promise<ArrayLike<number>> {
  const model = await Model.open(state, config, wasmBackend);
  try {
    return await model.forward(Float64Array.from(x), IMAGES);
  } finally {
    model.dispose();
  }
}

/** The largest differences to PyTorch's logits in float64. */
export interface Measured {
  readonly largestLogit: number;
  /** Of the train form in float64 here. */
  readonly inFloat64: number;
  /** Of the fused network in WebAssembly, and what it may be. */
  readonly fused: number;
  readonly bound: number;
}

/** Fuses a network and compares with PyTorch: the train form in float64, and the fused network in WebAssembly. */
export async function compareFused({ state, config }: ConvertedNetwork, logits: Float64Array): Promise<Measured> {
  const fused = fuseState(state, config);
  const { report } = fused;
  const got = await logitsOf(fused.state, fused.config, fused.probe.data);
  const isBounded = report.float32Bound < report.maxLogit;
  const limits = isBounded ? fused.bounds : fused.firstOrder;
  const rounding = GOLDEN_TOLERANCE * report.maxLogit;
  expect(fused.probe.shape[0]).toBe(IMAGES);
  expect(difference(fused.logits, logits)).toBeLessThan(rounding);
  expect(report.maxDifference).toBeLessThan(rounding);
  let bounded = 0;
  expect(logits).toHaveLength(got.length);
  for (let i = 0; i < got.length; i++) {
    if (Number.isNaN(limits[i])) continue;
    bounded++;
    const off = Math.abs(got[i] - logits[i]);
    if (!(off <= limits[i] + rounding)) throw new Error(`logit ${i} is off by ${off}, at most ${limits[i]} expected`);
  }
  expect(bounded).toBeGreaterThan(0);
  // Measured at most 4e-6, also where the bounds are larger than the logits.
  expect(difference(got, logits)).toBeLessThan(MEASURED * report.maxLogit);
  return {
    largestLogit: report.maxLogit,
    inFloat64: difference(fused.logits, logits),
    fused: difference(got, logits),
    bound: isBounded ? report.float32Bound : report.float32FirstOrder,
  };
}

/** Compares a deploy form that PyTorch has fused: its logits in WebAssembly, and PyTorch's in float64. */
export async function differenceOfDeploy({ state, config }: ConvertedNetwork, logits: Float64Array): Promise<number> {
  const [size] = config.input_size;
  const { data } = drawProbe([IMAGES, 3, size, size]);
  return difference(await logitsOf(state, config, data), logits);
}

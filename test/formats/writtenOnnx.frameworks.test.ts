/** onnxruntime computes the logits of the reference from graphs that are written here, if there is a Python with it. */
import { describe, expect } from '@jest/globals';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { float32Bound, tensor } from '../../reference/index.js';
import { VARIANTS, type Form, type ModelConfig } from '../../src/core/config.js';
import type { StateDict } from '../../src/core/tensor.js';
import { importWeights } from '../../src/formats/importWeights.js';
import { writeOnnx } from '../../src/formats/onnx/writeOnnx.js';
import type { TensorSource } from '../../src/io/tensorSource.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend, toOracleConfig } from '../../src/oracle/backend.js';
import { stateToOracle } from '../../src/oracle/state.js';
import { testWith } from '../frameworks/frameworks.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnImages, drawnState } from '../model/drawnNetwork.js';
import { narrowVariant } from './narrowVariants.js';
import { sourcesOf } from './writtenFiles.js';

const SCRIPT = fileURLToPath(new URL('written_onnx.py', import.meta.url));
const path = temporaryFolder();
const run = promisify(execFile);

const IMAGES = 3;
/**
 * Of the largest logit, where the bound says less: some 80 units of float32. onnxruntime differs by 3 at most; the
 * mistakes of a graph (a stem, an order of axes, a slope) differ by thousands.
 */
const MEASURED = 1e-5;

const maximum = (values: Iterable<number>): number => [...values].reduce((most, v) => Math.max(most, Math.abs(v)), 0);

interface Logits {
  readonly all: readonly number[];
  readonly first: readonly number[];
}

/** Writes a graph and its images, and returns the logits by the reference and the largest difference that is allowed. */
async function prepare(file: string, state: StateDict, config: ModelConfig, tensors: readonly TensorSource[]) {
  await writeOnnx(path(file), tensors, config);
  const images = drawnImages(config, IMAGES);
  await writeFile(path(`${file}.json`), JSON.stringify({ images: [...images.data], shape: images.shape }));
  const model = await Model.open(state, config, referenceBackend);
  const logits = await model.forward(images.data, IMAGES);
  const measured = MEASURED * maximum(logits);
  if (config.form === 'train') return { logits, allowed: measured };
  // The bound grows with depth, and its computation with the image.
  const first = tensor(images.data.subarray(0, images.data.length / IMAGES), [1, ...images.shape.slice(1)]);
  const { bound } = float32Bound(toOracleConfig(config), stateToOracle(state), first);
  return { logits, allowed: Math.min(measured, bound) };
}

async function computeBy(interpreter: string, files: readonly string[]): Promise<Readonly<Record<string, Logits>>> {
  const { stdout } = await run(interpreter, [SCRIPT, ...files.map((file) => path(file))]);
  return JSON.parse(stdout) as Record<string, Logits>;
}

describe.each(['train', 'deploy'] as const)('the %s form', (form: Form) => {
  testWith('onnxruntime', 'of all variants, narrow, has the logits of the reference', async (interpreter) => {
    const names = Object.keys(VARIANTS) as (keyof typeof VARIANTS)[];
    const expected = new Map<string, Awaited<ReturnType<typeof prepare>>>();
    for (const name of names) {
      const config = narrowVariant(name, form);
      const state = drawnState(config, 3);
      expected.set(`${name}.onnx`, await prepare(`${name}.onnx`, state, config, sourcesOf(state, 'F32')));
    }
    const computed = await computeBy(interpreter, [...expected.keys()]);
    for (const [file, { logits, allowed }] of expected) {
      const { all, first } = computed[file];
      expect([file, all.length]).toEqual([file, logits.length]);
      const difference = maximum(all.map((value, i) => value - logits[i]));
      // One image alone has the same logits as in a batch.
      const alone = maximum(first.map((value, i) => value - logits[i]));
      expect([file, difference < allowed, alone < allowed]).toEqual([file, true, true]);
    }
  });

  testWith('onnxruntime', 'in half and double precision is computed in float32', async (interpreter) => {
    const config = narrowVariant('vanillanet_6', form);
    const drawn = drawnState(config, 3);
    for (const dtype of ['F16', 'F64'] as const) {
      const file = `${dtype}.onnx`;
      const isBuffer = (name: string): boolean => name.includes('.running_');
      const buffers = Object.fromEntries([...drawn.keys()].filter(isBuffer).map((name) => [name, 'F32' as const]));
      const sources = sourcesOf(drawn, dtype, buffers);
      await writeOnnx(path(file), sources, config);
      const weights = await importWeights(path(file));
      const state = await weights.readState();
      await weights.close();
      const { logits, allowed } = await prepare(file, state, config, sources);
      const { all } = (await computeBy(interpreter, [file]))[file];
      expect(maximum(all.map((value, i) => value - logits[i]))).toBeLessThan(allowed);
    }
  });
});

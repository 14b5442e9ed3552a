/** Compares what is read of files that Keras and h5py have written with what they had in Python. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { bytesAccess } from '../../src/formats/fileAccess.js';
import { openHdf5 } from '../../src/formats/hdf5/openHdf5.js';
import type { ForeignFile } from '../../src/formats/foreignFile.js';
import { openKeras, openKerasArchive } from '../../src/formats/keras.js';
import { readState, recognize, requireWhole } from '../../src/formats/recognize.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { fuseState } from '../../src/oracle/fuse.js';
import { stateToOracle, toOracle } from '../../src/oracle/state.js';
import { wasmBackend } from '../../src/wasm/inference/backend.js';
import { float32Bound } from '../../reference/index.js';
import { SharedThread } from './sharedThread.js';

interface Network {
  readonly form: 'train' | 'deploy';
  readonly dims: readonly number[];
  readonly strides: readonly number[];
  /** λ that the file states, or its names suggest; null if neither. */
  readonly slope: number | null;
  readonly logits: readonly number[];
}

/** The content of a file that is compressed by gzip. */
export const unzipped = (folder: string, name: string): Uint8Array =>
  gunzipSync(readFileSync(join(folder, `${name}.gz`)));

export const networksIn = (folder: string): Readonly<Record<string, Network>> =>
  JSON.parse(readFileSync(join(folder, 'keras.json'), 'utf8')) as Record<string, Network>;

const IMAGES = 2;
const x = Float64Array.from({ length: IMAGES * 3 * 32 * 32 }, (_, i) => ((i * i) % 1009) / 504 - 1);

const threads = new SharedThread();

/** Opens a file that is compressed by gzip. */
export async function openFixture(folder: string, name: string): Promise<ForeignFile> {
  const access = bytesAccess(name, unzipped(folder, name));
  const file = name.endsWith('.keras') ? await openKerasArchive(access, threads) : await openKeras(access, threads);
  if (file === null) throw new Error(`${name} is no archive of Keras`);
  return file;
}

/** @param lambda for a file that does not state it */
async function readNetwork(folder: string, name: string, lambda?: number) {
  const file = await openFixture(folder, name);
  try {
    const found = recognize(file, name, lambda === undefined ? {} : { config: { lambda } });
    requireWhole(found, name);
    return { state: await readState(found, name), config: { ...found.config, input_size: [32, 32] as const } };
  } finally {
    await file.close?.();
  }
}

/** Text attributes of arrays.h5. */
const TEXTS = {
  ...{ fixed: 'abc', variable: 'grüße', fixed_list: ['a', 'bcd', ''], variable_list: ['stem_1_conv', 'größe', ''] },
  ...{ layer_names0: ['x'.repeat(20), 'y'], layer_names1: ['z'] },
};

/** Defines the tests of a folder that keras_files.py has written. @param names of its networks */
export function judgeKeras(folder: () => string, names: readonly string[]): void {
  afterAll(() => threads.stop());

  describe.each(names)('%s', (name) => {
    const expected = () => networksIn(folder())[name];
    const read = async () => {
      const { slope } = expected();
      return readNetwork(folder(), name, slope === null ? 1 : undefined);
    };

    test('has the sizes of the network, and the logits of Keras in float64', async () => {
      const { form, dims, strides, slope, logits } = expected();
      const { state, config } = await read();
      expect([config.form, config.dims, config.strides, config.lambda]).toEqual([form, dims, strides, slope ?? 1]);
      const model = await Model.open(state, config, referenceBackend);
      const got = await model.forward(x, IMAGES);
      // Both are in float64, and sum a few hundred products in another order.
      const tolerance = 1e-12 * Math.max(...logits.map(Math.abs));
      logits.forEach((each, i) => {
        expect(Math.abs(got[i] - each)).toBeLessThan(tolerance);
      });
    });

    test('has them within the bound in WebAssembly, unless lambda is not 1', async () => {
      const { logits } = expected();
      const { state, config } = await read();
      if (config.lambda !== 1) return;
      const deploy = config.form === 'train' ? fuseState(state, config) : { state, config };
      const model = await Model.open(deploy.state, deploy.config, wasmBackend);
      const got = await model.forward(Float32Array.from(x), IMAGES);
      model.dispose();
      const images = toOracle({ data: x, shape: [IMAGES, 3, 32, 32] });
      const { bound } = float32Bound(deploy.config, stateToOracle(deploy.state), images);
      expect(bound).toBeLessThan(0.01 * Math.max(...logits.map(Math.abs)));
      logits.forEach((each, i) => {
        expect(Math.abs(got[i] - each)).toBeLessThan(bound);
      });
    });
  });

  test('arrays of all types and layouts have the values of h5py', async () => {
    const values = JSON.parse(new TextDecoder().decode(unzipped(folder(), 'arrays.json'))) as Record<string, number[]>;
    expect(Object.keys(values)).toHaveLength(60);
    const file = await openHdf5(bytesAccess('arrays.h5', unzipped(folder(), 'arrays.h5')), threads);
    try {
      for (const { path, array } of file.objects) {
        if (array === null) continue;
        const got = await file.tensor(path, array, [0, 1, 2, 3]).read();
        expect([path, [...got]]).toEqual([path, values[path.slice(1)]]);
      }
      expect(file.objects[0]).toEqual({ path: '/', texts: TEXTS, array: null });
      const arrays = file.objects.filter(({ array }) => array !== null);
      expect(arrays).toHaveLength(60);
      expect(new Set(arrays.map(({ array }) => array?.dtype))).toEqual(
        new Set(['float16', 'float32', 'float64', 'int16', 'int32', 'int64', 'uint8']),
      );
    } finally {
      await file.close();
    }
  });
}

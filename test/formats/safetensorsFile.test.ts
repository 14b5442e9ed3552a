/** Safetensors files of other programs. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../src/core/config.js';
import { WeightsError } from '../../src/core/errors.js';
import { bytesAccess } from '../../src/formats/fileAccess.js';
import type { ForeignFile } from '../../src/formats/foreignFile.js';
import { readSafetensorsFile } from '../../src/formats/safetensorsFile.js';
import { writeConfig } from '../../src/io/configMetadata.js';
import { readHeader } from '../../src/io/safetensorsHeader.js';
import { refusal } from '../io/refusal.js';
import { concat, numbers } from './torchZip.js';

const WEIGHT = { dtype: 'F32', shape: [2], data_offsets: [0, 8] };
const VALUES = Float32Array.of(1.5, -2);

const headerOf = (header: object): Uint8Array => new TextEncoder().encode(JSON.stringify(header));

function open(header: object, size = 8): Promise<ForeignFile> {
  const json = headerOf(header);
  const data = new Uint8Array(size);
  data.set(new Uint8Array(VALUES.buffer));
  return readSafetensorsFile(bytesAccess('net.safetensors', concat(numbers([json.length, 8]), json, data)));
}

describe('a tensor of another type beside the weights', () => {
  test.each([
    ...[
      ['BOOL', 1],
      ['U8', 1],
      ['I16', 2],
      ['U16', 2],
      ['I32', 4],
      ['U32', 4],
      ['U64', 8],
      ['C64', 8],
    ],
    ...[
      ['F8_E4M3', 1],
      ['F8_E5M2', 1],
      ['F8_E8M0', 1],
    ],
  ] as [string, number][])('%s of %d bytes is not read', async (dtype, width) => {
    // prettier-ignore
    const other = { dtype, shape: [3], data_offsets: [8, 8 + 3 * width] };
    const { tensors } = (await open({ w: WEIGHT, x: other }, 8 + 3 * width)).groups[0];
    expect(await tensors.get('w')?.read()).toEqual(VALUES);
    expect(tensors.get('x')).toMatchObject({ shape: [3], dtype });
    await expect(tensors.get('x')?.read()).rejects.toThrow(
      refusal(WeightsError, 'net.safetensors: x', 'a dense tensor of floats or integers', dtype),
    );
    const wrong = { ...other, data_offsets: [8, 9 + 3 * width] };
    await expect(open({ w: WEIGHT, x: wrong }, 9 + 3 * width)).rejects.toThrow(
      refusal(WeightsError, 'net.safetensors: x', `${3 * width} bytes for ${dtype} [3]`, `${3 * width + 1}`),
    );
  });

  test.each(['F4', 'u8', 'constructor', 5])('%s is refused', async (dtype) => {
    await expect(open({ w: WEIGHT, x: { dtype, shape: [3], data_offsets: [8, 11] } }, 11)).rejects.toThrow(
      refusal(WeightsError, 'net.safetensors: x', 'a dtype of F64', JSON.stringify(dtype)),
    );
  });

  test('is refused where only weights are expected', () => {
    const header = headerOf({ w: WEIGHT, x: { dtype: 'U8', shape: [3], data_offsets: [8, 11] } });
    for (const options of [{}, { keepsOthers: false }]) {
      expect(() => readHeader(header, 'net', options)).toThrow(
        refusal(WeightsError, 'net: x', 'a dtype of F64', '"U8"'),
      );
    }
    const { entries, others, length } = readHeader(header, 'net', { keepsOthers: true });
    expect([entries.map(({ name }) => name), others.map(({ name }) => name), length]).toEqual([['w'], ['x'], 11]);
  });
});

test.each([
  [{ w: WEIGHT, __metadata__: { format: 'pt' } }, "PyTorch's safetensors"],
  [{ w: WEIGHT, __metadata__: { format: 'tf' } }, null],
  [{ w: WEIGHT }, null],
])('the writer of %j', async (header, writer) => {
  expect((await open(header)).writer).toBe(writer);
});

test('a file of this package, which states the same format, has no other writer', async () => {
  const config = resolveConfig({ dims: [4, 8], strides: [2], num_classes: 3, form: 'deploy', lambda: 1 });
  const file = await open({ w: WEIGHT, __metadata__: Object.fromEntries(writeConfig(config)) });
  expect(file.writer).toBeNull();
  expect(file.config).toEqual(config);
});

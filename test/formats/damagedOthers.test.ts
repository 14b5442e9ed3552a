/** Tensors of a file whose views or arrays are damaged: they matter only if the network has them. */
import { describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { resolveConfig } from '../../src/core/config.js';
import { WeightsError } from '../../src/core/errors.js';
import { parameterShapes } from '../../src/core/parameters.js';
import { sizeOf } from '../../src/core/tensor.js';
import { bytesAccess } from '../../src/formats/fileAccess.js';
import { groupsOf } from '../../src/formats/pickledDicts.js';
import { readForeign } from '../../src/formats/openForeign.js';
import { importWeights, type ImportedWeights } from '../../src/formats/importWeights.js';
import { array } from '../data/sets/pickleWriter.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { call, checkpoint, dict, int, legacy, list, pickle, str, tensor, tuple } from './torchPickles.js';

const path = temporaryFolder();
const config = resolveConfig({ dims: [4, 8], strides: [2], num_classes: 3, form: 'deploy' });
const shapes = [...parameterShapes(config)];
/** The tensor of the network that is damaged. */
const NAME = 'cls.2.bias';

/** A tensor of any shape: all elements are the first of the storage. */
const repeated = (shape: readonly number[]): number[] => tensor({ shape, strides: shape.map(() => 0) });
const zeros = (shape: readonly number[], count = sizeOf(shape), order: '<' | '>' = '<'): number[] =>
  array(shape, new Uint8Array(4 * count), 'f4', order);

async function open(bytes: Uint8Array, file = 'net.pth'): Promise<ImportedWeights> {
  await writeFile(path(file), bytes);
  return importWeights(path(file));
}

/** Asserts that a network is read beside a value, wherever it is, and that the value is refused in its place. */
async function expectDamage(
  write: (instructions: number[]) => Uint8Array,
  weight: (shape: readonly number[]) => number[],
  damaged: number[],
  expected: string,
  got: string,
): Promise<void> {
  const state = Object.fromEntries(shapes.map(([name, shape]) => [name, weight(shape)]));
  const files = [
    dict({ ...state, x: damaged }),
    dict({ model: dict(state), momenta: dict({ [NAME]: damaged }) }),
    dict({ momenta: dict({ x: damaged }), model: dict(state) }),
    dict({ optimizer: dict({ state: dict({ x: damaged }) }), model: dict(state) }),
  ];
  for (const instructions of files) {
    const weights = await open(write(instructions));
    expect((await weights.readState()).size).toBe(shapes.length);
    await weights.close();
  }
  await expect(open(write(dict({ model: dict({ ...state, [NAME]: damaged }) })))).rejects.toThrow(
    refusal(WeightsError, `net.pth: model.${NAME}`, expected, got),
  );
}

const FEW = array([3], new Uint8Array(8), 'f4', '<');

describe.each([
  ['zip', checkpoint],
  ['legacy', legacy],
])('PyTorch, %s: beside the weights, and in the place of one', (_, write) => {
  test.each<[string, number[], string, string]>([
    ['a negative size', tensor({ shape: [-3], strides: [1] }), 'all integers >= 0', '[-3]'],
    ['a negative stride', tensor({ shape: [3], strides: [-1] }), 'all integers >= 0', '[-1]'],
    ['a stride beyond', tensor({ shape: [3], strides: [4] }), 'a view of the 6 elements', 'strides [4]'],
    ['a size beyond', tensor({ shape: [7], strides: [1] }), 'a view of the 6 elements', 'shape [7]'],
    ['an offset beyond', tensor({ offset: 4, shape: [3], strides: [1] }), 'a view of the 6 elements', 'at offset 4'],
    ['fewer strides', tensor({ shape: [3, 1], strides: [1] }), 'as many strides', '[1]'],
    ['no storage', tensor({ reference: int(1) }), 'a storage, an offset', 'the number 1'],
    ['an unknown class of storage', tensor({ storage: 'torch.Size' }), 'a storage: its class', 'the name torch.Size'],
    ['a storage that is not there', tensor({ key: '9', shape: [3], strides: [1] }), '9', 'no'],
    ['a storage of another size', tensor({ count: 7, shape: [3], strides: [1] }), '', '7'],
  ])('%s', (_name, damaged, expected, got) =>
    // The legacy format and the zip archive state the sizes of storages in different words.
    expectDamage(write, repeated, damaged, expected, got === '7' ? '' : got),
  );

  test('an array of NumPy with too few bytes, which is no tensor', async () => {
    const state = Object.fromEntries(shapes.map(([name, shape]) => [name, repeated(shape)]));
    const frombuffer = call('numpy.core.numeric._frombuffer', str('a'), call('numpy.dtype', str('f4')), tuple(int(2)), str('C')); // prettier-ignore
    for (const best of [FEW, frombuffer]) {
      const weights = await open(write(dict({ model: dict(state), best })));
      expect((await weights.readState()).size).toBe(shapes.length);
      await weights.close();
    }
  });
});

test.each<[string, number[], string, string]>([
  ['too few bytes', FEW, '12 bytes for an array [3]', '8'],
  ['big-endian numbers', zeros([3], 3, '>'), 'little-endian numbers', 'big-endian ones'],
  ['a negative size', array([-3], new Uint8Array(12), 'f4', '<'), 'the shape, type and bytes', 'something else'],
])('PaddlePaddle: %s beside the weights, and in the place of one', (_, damaged, expected, got) =>
  expectDamage(pickle, zeros, damaged, expected, got),
);

describe('arrays of PaddlePaddle in parts', () => {
  const state = Object.fromEntries(shapes.map(([name, shape]) => [name, zeros(shape)]));
  const withParts = (name: string, size: number, part = zeros([3])): Uint8Array => {
    const facts = dict({ OriginShape: tuple(int(size)), slices: list([str(`${name}@@.0`)]) });
    const rest = Object.fromEntries(Object.entries(state).filter(([key]) => key !== name));
    return pickle(dict({ ...rest, [`${name}@@.0`]: part, 'UnpackBigParamInfor@@': dict({ [name]: facts }) }));
  };

  test.each<[string, number, number[], string, string]>([
    ['a shape that lies', 4, zeros([3]), '4 elements for [4]', '3 in its parts'],
    ['big-endian numbers', 3, zeros([3], 3, '>'), 'little-endian numbers', 'big-endian ones'],
    ['too few bytes', 3, FEW, '12 bytes for an array [3]', '8'],
  ])('%s', async (_, size, part, expected, got) => {
    const weights = await open(withParts('moment', size, part));
    expect([(await weights.readState()).size, weights.unexpected]).toEqual([shapes.length, ['moment']]);
    await weights.close();
    await expect(open(withParts(NAME, size, part))).rejects.toThrow(
      refusal(WeightsError, `net.pth: ${NAME}`, expected, got),
    );
  });
});

describe('the legacy format', () => {
  const state = (weight = repeated): number[] => dict(Object.fromEntries(shapes.map(([name, s]) => [name, weight(s)])));
  const other = (type: string): number[] => tensor({ storage: type, key: '1', count: 2, shape: [2], strides: [1] });
  /** Storages 0 of six float32, and 1, in the order of `keys`. */
  const file = (momenta: number[], keys: readonly string[], second: readonly number[]): Uint8Array => {
    const first = [6, 0, 0, 0, 0, 0, 0, 0, ...new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer)];
    const storages = keys.flatMap((key) => (key === '0' ? first : second));
    const whole = legacy(dict({ model: state(), momenta: dict({ momenta }) }), { keys: list(keys.map(str)) });
    return Uint8Array.from([...whole.subarray(0, whole.length - 32), ...storages]);
  };
  const TWO = [2, 0, 0, 0, 0, 0, 0, 0];

  test('storages behind one of an unknown class have no place', async () => {
    const second = [...TWO, 1, 2];
    const weights = await open(file(other('torch.Size'), ['0', '1'], second));
    expect((await weights.readState()).get(NAME)?.data[0]).toBe(1);
    await weights.close();
    await expect(open(file(other('torch.Size'), ['1', '0'], second))).rejects.toThrow(
      refusal(WeightsError, 'net.pth: model.', 'the storage 0', 'none'),
    );
  });

  test('storages behind one of another number of elements have their places', async () => {
    const weights = await open(file(other('torch.FloatStorage'), ['1', '0'], [1, ...TWO.slice(1), 0, 0, 0, 0]));
    expect((await weights.readState()).get(NAME)?.data[0]).toBe(1);
    await weights.close();
  });

  test('a storage of two types is of no use to its tensors, and one of two widths ends the search', async () => {
    const bytes = (type: string, name: string): Uint8Array =>
      legacy(dict({ model: state(), momenta: dict({ [name]: tensor({ storage: type }) }) }));
    await expect(open(bytes('torch.IntStorage', 'x'))).rejects.toThrow(
      refusal(WeightsError, 'net.pth: model.', 'one type of the storage 0', 'float32 and int32'),
    );
    await expect(open(bytes('torch.HalfStorage', 'x'))).rejects.toThrow(
      refusal(WeightsError, 'net.pth: model.', 'the storage 0', 'none'),
    );
  });
});

test('more than 5000 damaged arrays in parts are refused', async () => {
  const parts = (count: number): Uint8Array => {
    const facts = Object.fromEntries(Array.from({ length: count }, (_, i): [string, number[]] => [`k${i}`, [0x4e]]));
    return pickle(dict({ w: zeros([3]), 'UnpackBigParamInfor@@': dict(facts) }));
  };
  expect((await readForeign(bytesAccess('net', parts(5000))))?.groups[0].tensors.size).toBe(5001);
  await expect(readForeign(bytesAccess('net', parts(5001)))).rejects.toThrow(
    refusal(WeightsError, 'net: k5000', 'the shape and the parts of "k5000"', 'something else'),
  );
});

test('a view that lies does not let a deflated storage inflate', async () => {
  const elements = 2 ** 18 + 1;
  const record = { name: 'net/data/0', data: new Uint8Array(4 * elements), isDeflated: true };
  const w = tensor({ shape: [3], strides: [1], count: elements });
  const lie = tensor({ shape: [elements], strides: [2], count: elements });
  const file = await readForeign(bytesAccess('net.pth', checkpoint(dict({ w, lie }), [record])));
  await expect(file?.groups[0].tensors.get('w')?.read()).rejects.toThrow(
    refusal(WeightsError, 'net.pth: net/data/0', 'at most 1048576 bytes after inflation', '1048580'),
  );
});

test('a damaged tensor states nothing, and its values cannot be read', async () => {
  const bytes = checkpoint(dict({ w: tensor(), x: tensor({ shape: [9], strides: [1] }) }));
  const damaged = (await readForeign(bytesAccess('net.pth', bytes)))?.groups[0].tensors.get('x');
  expect(damaged).toMatchObject({ shape: [], dtype: 'unknown' });
  await expect(damaged?.read()).rejects.toBe(damaged?.damage);
});

test('more than 5000 damaged tensors are refused, and other errors are not damage', () => {
  const many = (count: number): Map<string, number> => new Map(Array.from({ length: count }, (_, i) => [`k${i}`, i]));
  const damagedAt = (_: unknown, [name]: readonly string[]): never => {
    throw new WeightsError({ op: name, expected: 'a view', got: 'another' });
  };
  expect(groupsOf(many(5000), damagedAt, 'net.pth', '')[0].tensors.size).toBe(5000);
  expect(() => groupsOf(many(5001), damagedAt, 'net.pth', '')).toThrow(
    refusal(WeightsError, 'k5000', 'a view', 'another'),
  );
  const faulty = (): never => {
    throw new TypeError('a fault of the reader');
  };
  expect(() => groupsOf(many(1), faulty, 'net.pth', '')).toThrow(TypeError);
});

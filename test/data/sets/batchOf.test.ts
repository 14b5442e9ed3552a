import { expect, test } from '@jest/globals';
import { show } from '../../../src/core/check.js';
import { DataError, ParamError } from '../../../src/core/errors.js';
import type { ImageSet } from '../../../src/data/sets/dataset.js';
import { batchOf } from '../../../src/data/sets/batchOf.js';
import { normalize } from '../../../src/image/normalize.js';
import { refusal } from '../../io/refusal.js';

const mean = [0.5, 0.25, 0];
const std = [0.5, 0.25, 1];
/** Two images of 1x2 in planes. */
const set: ImageSet = {
  images: Uint8Array.from([0, 255, 51, 102, 204, 153, 1, 2, 3, 4, 5, 6]),
  labels: Uint8Array.from([0, 1]),
  n: 2,
  channels: 3,
  height: 1,
  width: 2,
  classNames: ['a', 'b'],
};
const value = (v: number, c: number): number => (v / 255 - mean[c]) / std[c];
const first = [value(0, 0), value(255, 0), value(51, 1), value(102, 1), value(204, 2), value(153, 2)];
const second = [value(1, 0), value(2, 0), value(3, 1), value(4, 1), value(5, 2), value(6, 2)];

test('computes (v/255 - mean) / std, and converts pixels to planes', () => {
  const data = Uint8Array.from([0, 51, 204, 255, 102, 153]);
  expect(normalize({ data, width: 2, height: 1 }, mean, std)).toEqual(Float32Array.from(first));
  expect(first.slice(0, 2)).toEqual([-1, 1]);
});

test('yields the positions in the given order, in both precisions', () => {
  const exact = batchOf(set, [1, 0, 1], { mean, std, dtype: 'float64' });
  expect(exact).toEqual(Float64Array.from([...second, ...first, ...second]));
  expect(batchOf(set, Int32Array.of(0), { mean, std })).toEqual(Float32Array.from(first));
  expect(batchOf(set, [], { mean, std }).length).toBe(0);
});

test('refuses positions outside of the set and means for other channels', () => {
  for (const bad of [2, -1, 0.5, NaN, null, '1']) {
    const build = (): unknown => batchOf(set, [0, bad as number], { mean, std });
    expect(build).toThrow(refusal(ParamError, 'batchOf: positions[1]', 'an integer in [0, 1]', show(bad)));
  }
  expect(() => batchOf(set, [0], { mean: [0], std })).toThrow(refusal(ParamError, 'normalize', '3 means', '1 and 3'));
  expect(() => batchOf(set, [0], { mean: [0, 0, NaN], std })).toThrow(
    refusal(ParamError, 'mean', 'a list of finite numbers', '[0,0,NaN]'),
  );
  expect(() => batchOf(set, [0], { mean, std: null as unknown as number[] })).toThrow(
    refusal(ParamError, 'std', 'a list of finite numbers', 'null'),
  );
});

test('refuses invalid options and sets', () => {
  const options = { mean, std, dtyp: 'float64' } as { mean: number[]; std: number[] };
  expect(() => batchOf(set, [0], options)).toThrow(refusal(ParamError, 'dtyp', 'mean, std, dtype', 'an unknown key'));
  expect(() => batchOf(set, [0], { mean, std, dtype: 'int8' as 'float32' })).toThrow(
    refusal(ParamError, 'dtype', "'float32' or 'float64'", 'int8'),
  );
  expect(() => batchOf(set, [0], null as unknown as { mean: number[]; std: number[] })).toThrow(
    refusal(ParamError, 'batchOf', 'an object', 'null'),
  );
  expect(() => batchOf({ ...set, n: 3 }, [0], { mean, std })).toThrow(
    refusal(DataError, 'batchOf', '3 labels, one for each image', '2'),
  );
});

import { describe, expect, test } from '@jest/globals';
import { ParamError } from '../../src/core/errors.js';
import { checkOrigin, type Origin, type SetOrigin } from '../../src/train/origin.js';
import { refusal } from '../io/refusal.js';

const set = (images: number, sha256 = 'a'.repeat(64)): SetOrigin => ({ images, size: [32, 32], of: 'pixels', sha256 });
/** A set in memory that was read from a folder, and the same set on disk. */
const listed = (listing: string, pixels?: string): SetOrigin => ({ ...set(40, pixels), listing });
const streamed = (sha256: string): SetOrigin => ({ ...set(40, sha256), of: 'files' });
const data = {
  ...{ spec: 'pets', limit: 40, val_limit: null, val_split: 0.25 },
  ...{ class_names: ['cat', 'dog'], train: set(40), held_out: set(10) },
};
const was: Origin = { backend: 'wasm plain', data };

test.each([
  ['the same', was],
  ['moved', { ...was, data: { ...data, spec: '/mnt/pets' } }],
] as const)('accepts %s', (_, now) => {
  expect(() => {
    checkOrigin(was, now);
  }).not.toThrow();
});

const withTrain = (train: SetOrigin): Origin => ({ ...was, data: { ...data, train } });

test.each([
  ['in memory, then on the disk', listed('l'), streamed('l')],
  ['on the disk, then in memory', streamed('l'), listed('l')],
  ['the same pixels in files of other sizes', listed('l'), listed('m')],
  ['recorded without a listing', set(40), listed('l')],
])('accepts a folder %s', (_, before, now) => {
  expect(() => {
    checkOrigin(withTrain(before), withTrain(now));
  }).not.toThrow();
});

test.each([
  ['another listing, on the disk now', listed('l'), streamed('m'), 'aaaaaaaaaaaa of pixels, l of files', 'm of files'],
  ['another listing, in memory now', streamed('l'), listed('m'), 'l of files', 'aaaaaaaaaaaa of pixels, m of files'],
  ['other pixels in files as large', listed('l'), listed('l', 'b'), 'aaaaaaaaaaaa of pixels, l', 'b of pixels, l'],
  ['nothing to compare, on the disk now', set(40), streamed('l'), 'aaaaaaaaaaaa of pixels', 'l of files'],
  ['nothing to compare, in memory now', streamed('l'), set(40), 'l of files', 'aaaaaaaaaaaa of pixels'],
])('%s: refused without acceptData', (_, before, now, expected, got) => {
  expect(() => {
    checkOrigin(withTrain(before), withTrain(now));
  }).toThrow(refusal(ParamError, 'resume', `(sha256 ${expected}`, `(sha256 ${got}`));
  expect(() => {
    checkOrigin(withTrain(before), withTrain(now), { acceptData: true });
  }).not.toThrow();
});

test('accepts a checkpoint without an origin', () => {
  expect(() => {
    checkOrigin(null, was);
  }).not.toThrow();
});

test.each([
  ['other pixels', { ...data, train: set(40, 'b'.repeat(64)) }],
  ['fewer images', { ...data, train: set(39, 'b'.repeat(64)), held_out: null }],
])('accepts %s with acceptData', (_, now) => {
  expect(() => {
    checkOrigin(was, { ...was, data: now }, { acceptData: true });
  }).not.toThrow();
});

test('refuses other classes also with acceptData', () => {
  const now = { ...was, data: { ...data, class_names: ['cat', 'cow'] } };
  expect(() => {
    checkOrigin(was, now, { acceptData: true });
  }).toThrow(refusal(ParamError, 'resume', 'the data of the checkpoint', 'pets'));
});

describe('refuses, and describes both origins', () => {
  const words = (sha: string) => `2 classes, 40 of 32x32 (sha256 ${sha} of pixels) to train on, 10 of 32x32`;
  test.each([
    ['other pixels', { ...data, train: set(40, 'b'.repeat(64)) }, words('bbbbbbbbbbbb')],
    ['fewer images', { ...data, limit: 30, train: set(30) }, 'pets --limit 30 --val-split 0.25: 2 classes, 30 of'],
    [
      'others held out',
      { ...data, held_out: set(10, 'c'.repeat(64)) },
      '10 of 32x32 (sha256 cccccccccccc of pixels) held out',
    ],
    ['none held out', { ...data, val_limit: 0, held_out: null }, 'pets --limit 40 --val-limit 0 --val-split 0.25'],
    ['other classes', { ...data, class_names: ['cat', 'cow'] }, words('aaaaaaaaaaaa')],
    ['whole pictures', { ...data, train: { ...set(40), whole: true as const } }, '40 of any size'],
    ['another size', { ...data, train: { ...set(40), size: [32, 24] as const } }, '40 of 32x24'],
  ])('%s', (_, now, got) => {
    const expected = `the data of the checkpoint (pets --limit 40 --val-split 0.25: ${words('aaaaaaaaaaaa')}`;
    expect(() => {
      checkOrigin(was, { ...was, data: now });
    }).toThrow(refusal(ParamError, 'resume', expected, got));
  });

  test.each([
    ['wasm plain', 'wasm relaxed', '--backend wasm --build plain'],
    ['reference', 'wasm plain', '--backend reference'],
    ['tfjs:cpu', 'wasm plain', '--backend tfjs:cpu'],
    // With and without a CUDA device: TensorFlow.js uses the same engine name for both.
    ['tfjs:tfjs-node-gpu', 'tfjs:tfjs-node', '--backend tfjs:tfjs-node-gpu'],
  ])('%s before and %s now', (backend, now, flags) => {
    expect(() => {
      checkOrigin({ ...was, backend }, { ...was, backend: now });
    }).toThrow(refusal(ParamError, 'resume', `${backend}, as in the checkpoint`, now));
    expect(() => {
      checkOrigin({ ...was, backend }, { ...was, backend: now });
    }).toThrow(expect.objectContaining({ hint: expect.stringContaining(`Resume with ${flags}: `) }));
  });
});

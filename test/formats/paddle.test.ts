import { describe, expect, test } from '@jest/globals';
import { WeightsError } from '../../src/core/errors.js';
import { bytesAccess } from '../../src/formats/fileAccess.js';
import type { ForeignFile } from '../../src/formats/foreignFile.js';
import { readForeign } from '../../src/formats/openForeign.js';
import { array, scalar } from '../data/sets/pickleWriter.js';
import { refusal } from '../io/refusal.js';
import { call, dict, global, int, large, list, pickle, str, text, tuple } from './torchPickles.js';

async function open(bytes: Uint8Array): Promise<ForeignFile> {
  const file = await readForeign(bytesAccess('net.pdparams', bytes));
  if (file === null) throw new Error('not recognized');
  return file;
}

async function read(instructions: number[]): Promise<Record<string, number[]>> {
  const { groups } = await open(pickle(instructions));
  const values: Record<string, number[]> = {};
  for (const { path, tensors } of groups) {
    for (const [name, each] of tensors) values[[...path, name].join('.')] = [...(await each.read())];
  }
  return values;
}

const VALUES = [1, 2, 3, 4, 5, 6];
const FLOATS = new Uint8Array(Float32Array.from(VALUES).buffer);
const weights = (isFortran = false): number[] => array([2, 3], FLOATS, 'f4', '<', isFortran);
const part = (start: number, end: number, code = 'f4'): number[] =>
  array([end - start], FLOATS.subarray(4 * start, 4 * end), code, '<');

const parts = (change: Readonly<Record<string, number[]>> = {}): number[] =>
  dict({
    'w@@.0': part(0, 4),
    v: part(0, 1),
    'w@@.1': part(4, 6),
    'UnpackBigParamInfor@@': dict({
      w: dict({ OriginShape: tuple(int(3), int(2)), slices: list([str('w@@.0'), str('w@@.1')]), ...change }),
    }),
  });

describe('reads', () => {
  test.each<[string, number[], Record<string, number[]>]>([
    ['arrays', dict({ w: weights() }), { w: VALUES }],
    ['arrays in Fortran order', dict({ w: weights(true) }), { w: [1, 3, 5, 2, 4, 6] }],
    ['tuples of a name and an array', dict({ w: tuple(text('linear_0.w_0'), weights()) }), { w: VALUES }],
    ['calls of tuple', dict({ w: call('__builtin__.tuple', tuple(str('n'), weights())) }), { w: VALUES }],
    ['calls of eval for an array', dict({ w: call('builtins.eval', text('data'), dict({ data: weights() })) }), { w: VALUES }], // prettier-ignore
    [
      'dicts within dicts',
      dict({ a: dict({ w: weights(), rate: scalar(new Uint8Array(8), 'f8') }) }),
      { 'a.w': VALUES },
    ],
    ['arrays in parts', parts(), { v: [1], w: VALUES }],
    ['bfloat16 as uint16', dict({ w: array([2], Uint8Array.of(0x80, 0x3f, 0x20, 0xc0), 'u2', '<') }), { w: [1, -2.5] }],
    ['a tuple of other things is none', dict({ w: weights(), t: tuple(int(1), weights()) }), { w: VALUES }],
  ])('%s', async (_, instructions, expected) => {
    expect(await read(instructions)).toEqual(expected);
  });

  test('long bytes of the file on request, one after the other', async () => {
    const values = Float32Array.from({ length: 300_000 }, (_, i) => i);
    const bytes = pickle(dict({ w: array([300_000], new Uint8Array(values.buffer), 'f4', '<') }));
    const access = bytesAccess('net.pdparams', bytes);
    const sizes: number[] = [];
    const file = await readForeign({
      ...access,
      read(offset, length) {
        sizes.push(length);
        return access.read(offset, length);
      },
    });
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(600_000);
    expect(await file?.groups[0].tensors.get('w')?.read()).toEqual(values);
    expect(Math.max(...sizes)).toBe(2 ** 20);
  });
});

test('an array of objects beside the weights has no values', async () => {
  const { groups } = await open(pickle(dict({ w: weights(), names: array([3], new Uint8Array(0), 'O8', '|') })));
  const tensor = groups[0].tensors.get('names');
  expect(tensor).toMatchObject({ shape: [3], dtype: 'O8' });
  await expect(tensor?.read()).rejects.toThrow(refusal(WeightsError, 'net.pdparams: names', 'a dense tensor', 'O8'));
  const objects = { 'w@@.0': array([6], new Uint8Array(0), 'O8', '|'), 'UnpackBigParamInfor@@': dict({ w: dict({ OriginShape: tuple(int(6)), slices: list([str('w@@.0')]) }) }) }; // prettier-ignore
  await expect(read(dict(objects))).rejects.toThrow(refusal(WeightsError, 'net.pdparams: w', 'parts of numbers', 'O8'));
});

test.each([
  ['runs/best_optimizer.pdopt', 'best_model.pdparams beside it'],
  ['a\\linear.pdopt', 'convention linear.pdparams beside it'],
  ['state.pkl', 'Pass the .pdparams file beside it'],
])('the state of an optimizer, %s, names the file of the weights', async (name, hint) => {
  const scheduler = dict({ last_epoch: int(3) });
  const state = dict({ w_moment1_0: weights(), LR_Scheduler: scheduler, master_weights: dict({ w: tuple(str('w'), weights()) }) }); // prettier-ignore
  const opened = readForeign(bytesAccess(name, pickle(state)));
  const got = 'the state of an optimizer (PaddlePaddle; 2 tensors; the key "w_moment1_0")';
  await expect(opened).rejects.toThrow(refusal(WeightsError, name, 'weights', got));
  await expect(opened).rejects.toMatchObject({ hint: expect.stringContaining(hint) });
});

describe('bytes as text, as protocol 2 has them', () => {
  /** An array of uint8 whose bytes are text. */
  const encoded = (letters: string, count = letters.length): number[] => {
    const state = tuple(
      ...[int(1), tuple(int(count)), call('numpy.dtype', str('u1'), int(0), int(1)), [0x89]],
      call('_codecs.encode', text8(letters), text('latin1')),
    );
    const empty = call('numpy.core.multiarray._reconstruct', global('numpy', 'ndarray'), tuple(int(0)), str('b'));
    return dict({ w: [...empty, ...state, 0x62] });
  };
  const text8 = (letters: string): number[] => {
    const utf8 = Buffer.from(letters);
    return [0x58, ...[0, 8, 16, 24].map((shift) => (utf8.length >>> shift) & 255), ...utf8];
  };
  const letters = (length: number, start = 0): string =>
    String.fromCharCode(...Array.from({ length }, (_, i) => (start + i * 7) % 256));

  test.each([1, 100, 4000, 5000, 100_000])('%d bytes', async (length) => {
    const all = letters(length);
    expect((await read(encoded(all))).w).toEqual(Array.from(all, (letter) => letter.charCodeAt(0)));
  });

  test('letters that two blocks share', async () => {
    const all = `a${'\xe9'.repeat(140_000)}`;
    const { w } = await read(encoded(all));
    expect([w.length, w[0], w.slice(1).every((value) => value === 0xe9)]).toEqual([140_001, 0x61, true]);
  });

  test.each<[string, number[], string, string]>([
    ['too few letters', encoded('\xe9'.repeat(5000), 5001), '5001 letters of Latin-1', '5000 letters'],
    ['too many letters', encoded('a\xe9'.repeat(2500), 4999), '4999 letters of Latin-1', 'more letters'],
    ['a letter above U+00FF', encoded(`${'a'.repeat(5000)}š`, 5001), '5001 letters of Latin-1', 'another letter'],
  ])('%s are refused when they are read', async (_, instructions, expected, got) => {
    const tensor = (await open(pickle(instructions))).groups[0].tensors.get('w');
    await expect(tensor?.read()).rejects.toThrow(refusal(WeightsError, 'net.pdparams: w', expected, got));
  });

  test('far too many letters are refused at once', async () => {
    await expect(read(encoded('a'.repeat(5000), 4))).rejects.toThrow(
      refusal(WeightsError, 'net.pdparams', '4 bytes for an array [4]', '5000 bytes of text'),
    );
  });
});

describe('refuses', () => {
  test.each<[string, number[], string, string]>([
    ['os.system', call('os.system', str('echo')), 'the names of arrays', 'os.system'],
    ['a layer', global('paddle.nn.layer.conv', 'Conv2D'), 'the names of arrays', 'paddle.nn.layer.conv.Conv2D'],
    ['eval of code', call('builtins.eval', str('print(1)'), dict({ data: weights() })), "eval('data'", 'another call'],
    ['eval of another name', call('builtins.eval', str('data'), dict({ d: weights() })), "eval('data'", 'another call'],
    ['eval with more names', call('builtins.eval', str('data'), dict({ data: weights(), d: int(1) })), "eval('data'", 'another call'], // prettier-ignore
    ['eval with locals', call('builtins.eval', str('data'), dict({ data: weights() }), dict({})), "eval('data'", 'another'], // prettier-ignore
    ['eval alone', call('builtins.eval', str('data')), "eval('data'", 'another call of eval'],
    ['eval of text', call('builtins.eval', str('data'), dict({ data: str('x') })), "eval('data'", 'another call'],
    ['tuple of a number', call('builtins.tuple', int(1)), 'a tuple', 'something else'],
    ['tuple of nothing', call('builtins.tuple'), 'a tuple', 'something else'],
    ['big-endian numbers', dict({ w: array([6], FLOATS, 'f4', '>') }), 'little-endian numbers', 'big-endian ones'],
    ['an array with too few bytes', dict({ w: array([7], FLOATS, 'f4', '<') }), '28 bytes for an array [7]', '24'],
    ['a list', list([weights()]), 'a dict of tensors', 'a list or tuple'],
    ['one array', weights(), 'a dict of tensors', 'one tensor'],
    ['no arrays', dict({ a: int(1) }), 'a dict of tensors', 'no tensors under the keys "a"'],
    ['an optimizer', dict({ w_moment1_0: weights() }), 'weights', 'the key "w_moment1_0"'],
    ['a schedule', dict({ w: weights(), LR_Scheduler: dict({}) }), 'weights', 'the key "LR_Scheduler"'],
    ['parts without a shape', parts({ OriginShape: [0x4e] }), 'the shape and the parts of "w"', 'something else'],
    ['parts of a negative shape', parts({ OriginShape: tuple(int(-6)) }), 'the shape and the parts', 'something else'],
    ['no parts', parts({ slices: list([]) }), 'the shape and the parts of "w"', 'something else'],
    ['a missing part', parts({ slices: list([str('w@@.0'), str('w@@.2')]) }), 'parts of one dimension', '"w@@.2"'],
    ['a part that is no text', parts({ slices: list([int(0)]) }), 'parts of one dimension', 'null'],
    [
      'more parts than keys',
      parts({ slices: list(Array.from({ length: 5 }, () => str('w@@.0'))) }),
      'at most 4 parts, as many as the file has keys',
      '5',
    ],
    [
      'as many parts as keys',
      parts({ slices: list(Array.from({ length: 4 }, () => str('w@@.0'))) }),
      '6 elements',
      '16',
    ],
    [
      'an array of 65 dimensions',
      dict({
        w: array(
          Array.from({ length: 65 }, () => 1),
          FLOATS.subarray(0, 4),
          'f4',
          '<',
        ),
      }),
      'the shape, type and bytes',
      'something else',
    ],
    ['too few parts', parts({ slices: list([str('w@@.0')]) }), '6 elements for [3,2]', '4 in its parts'],
    ['a part twice', parts({ slices: list([str('w@@.0'), str('w@@.0')]) }), '6 elements for [3,2]', '8 in its parts'],
    ['long bytes beyond the end', dict({ w: [...large(new Uint8Array(1)).slice(0, 1), 255, 255, 255, 127] }), '2147483647 more bytes', 'the file is truncated'], // prettier-ignore
  ])('%s', async (_, instructions, expected, got) => {
    await expect(read(instructions)).rejects.toThrow(refusal(WeightsError, 'net.pdparams', expected, got));
  });

  test('parts of several types', async () => {
    const half = array([2], FLOATS.subarray(0, 4), 'f2', '<');
    const file = dict({ 'w@@.0': part(0, 4), 'w@@.1': half, 'UnpackBigParamInfor@@': dict({ w: dict({ OriginShape: tuple(int(6)), slices: list([str('w@@.0'), str('w@@.1')]) }) }) }); // prettier-ignore
    await expect(read(file)).rejects.toThrow(refusal(WeightsError, 'net.pdparams: w', 'parts of one type', ''));
  });

  test('bytes after the end', async () => {
    const bytes = Uint8Array.from([...pickle(dict({ w: weights() })), 0]);
    await expect(open(bytes)).rejects.toThrow(
      refusal(WeightsError, 'net.pdparams', 'nothing after the end of the pickle', '1 bytes'),
    );
  });

  test('a pickle of PyTorch tensors, and says what to do', async () => {
    await expect(open(pickle(global('torch._utils', '_rebuild_tensor_v2')))).rejects.toMatchObject({
      hint: expect.stringContaining('torch.save(state_dict, "net.pth")'),
    });
  });

  test('batches of CIFAR are no weights', async () => {
    const bytes = pickle(dict({ batch_label: str('testing batch 1 of 1'), data: weights() }));
    expect(await readForeign(bytesAccess('test_batch', bytes))).toBeNull();
  });

  test('every prefix', async () => {
    const bytes = pickle(parts());
    for (let length = 12; length < bytes.length; length++) {
      await expect(open(bytes.subarray(0, length))).rejects.toThrow(WeightsError);
    }
  });
});

import { describe, expect, test } from '@jest/globals';
import { WeightsError } from '../../src/core/errors.js';
import { bytesAccess } from '../../src/formats/fileAccess.js';
import type { ForeignFile } from '../../src/formats/foreignFile.js';
import { readForeign } from '../../src/formats/openForeign.js';
import { folderOf } from '../../src/formats/torch.js';
import { scalar } from '../data/sets/pickleWriter.js';
import { refusal } from '../io/refusal.js';
import {
  call,
  checkpoint,
  dict,
  global,
  int,
  large,
  legacy,
  list,
  long,
  storage,
  str,
  tensor,
  text,
  tuple,
  VALUES,
} from './torchPickles.js';
import type { RecordOptions } from './torchZip.js';

async function open(bytes: Uint8Array): Promise<ForeignFile> {
  const file = await readForeign(bytesAccess('net.pth', bytes));
  if (file === null) throw new Error('not recognized');
  return file;
}

/** The groups of a file and the values of their tensors. */
async function read(bytes: Uint8Array): Promise<Record<string, Record<string, number[]>>> {
  const file = await open(bytes);
  const groups: Record<string, Record<string, number[]>> = {};
  for (const { path: keys, tensors } of file.groups) {
    const group: Record<string, number[]> = {};
    for (const [name, each] of tensors) group[name] = [...(await each.read())];
    groups[keys.join('.')] = group;
  }
  return groups;
}

const ALL = [...VALUES];

describe.each([
  ['zip', checkpoint],
  ['legacy', legacy],
])('%s: reads', (_, write) => {
  test.each<[string, number[]]>([
    ['a tensor', tensor()],
    ['a storage of another device', tensor({ device: 'cuda:0' })],
    ['a storage of cuda', tensor({ reference: [...tuple(str('storage'), global('torch.cuda', 'FloatStorage'), str('0'), str('cuda:0'), int(6)), 0x51] })], // prettier-ignore
    ['a parameter', call('torch._utils._rebuild_parameter', tensor(), [0x88], call('collections.OrderedDict'))],
    ['a parameter with a state', call('torch._utils._rebuild_parameter_with_state', tensor(), [0x88], [0x4e], dict({}))], // prettier-ignore
    [
      'a tensor with attributes',
      call(
        'torch._tensor._rebuild_from_type_v2',
        global('torch._utils', '_rebuild_tensor_v2'),
        global('torch', 'Tensor'),
        tuple(storage(), int(0), tuple(int(6)), tuple(int(1))),
        dict({}),
      ),
    ],
    ['a tensor of PyTorch 0.3', call('torch._utils._rebuild_tensor', storage(), int(0), tuple(int(6)), tuple(int(1)))],
  ])('%s', async (_name, value) => {
    expect(await read(write(dict({ w: value })))).toEqual({ '': { w: ALL } });
  });

  test('a negative view, and one without metadata that changes values', async () => {
    const state = dict({
      w: tensor({ more: [dict({ neg: [0x88] })] }),
      v: tensor({ more: [dict({ neg: [0x89], conj: [0x89], backward: [0x88] })] }),
      u: tensor({ more: [[0x4e]] }),
    });
    expect(await read(write(state))).toEqual({ '': { w: ALL.map((value) => -value), v: ALL, u: ALL } });
  });

  test('a conjugate view is no weight, and its values are not read', async () => {
    const { groups } = await open(write(dict({ w: tensor(), c: tensor({ more: [dict({ conj: [0x88] })] }) })));
    const { tensors } = groups[0];
    expect([...((await tensors.get('w')?.read()) ?? [])]).toEqual(ALL);
    expect(tensors.get('c')).toMatchObject({ shape: [2, 3], dtype: 'float32' });
    await expect(tensors.get('c')?.read()).rejects.toThrow(
      refusal(WeightsError, 'net.pth: c', 'a dense tensor of floats or integers', 'a conjugate view'),
    );
    await expect(tensors.get('c')?.read()).rejects.toMatchObject({ hint: expect.stringContaining('resolve_conj()') });
  });

  const hooks = call('collections.OrderedDict');
  const layout = call('torch.serialization._get_layout', str('torch.sparse_coo'));
  const size = call('torch.Size', tuple(int(4), int(5)));
  test.each<[string, number[], readonly number[], string, string]>([
    ['uint16', call('torch._utils._rebuild_tensor_v3', storage(), int(0), tuple(int(3)), tuple(int(1)), [0x89], hooks, global('torch', 'uint16')), [3], 'uint16', 'uint16'], // prettier-ignore
    ['float8', call('torch._utils._rebuild_tensor_v3', storage(), int(0), tuple(int(2), int(3)), tuple(int(3), int(1)), [0x89], hooks, global('torch', 'float8_e4m3fn')), [2, 3], 'float8_e4m3fn', 'float8_e4m3fn'], // prettier-ignore
    ['a parameter of float8', call('torch._utils._rebuild_parameter', call('torch._utils._rebuild_tensor_v3', storage(), int(0), tuple(int(6)), tuple(int(1)), [0x89], hooks, global('torch', 'float8_e5m2')), [0x88], hooks), [6], 'float8_e5m2', 'float8_e5m2'], // prettier-ignore
    ['sparse', call('torch._utils._rebuild_sparse_tensor', layout, tuple(tensor(), tensor(), size, [0x88])), [4, 5], 'sparse_tensor', 'a sparse tensor'], // prettier-ignore
    ['sparse rows', call('torch._utils._rebuild_sparse_tensor', layout, tuple(tensor(), tensor(), tensor(), tuple(int(4), int(6)))), [4, 6], 'sparse_tensor', 'a sparse tensor'], // prettier-ignore
    ['sparse with more parts than four', call('torch._utils._rebuild_sparse_tensor', layout, tuple(int(1), int(1), int(1), int(1), size)), [], 'sparse_tensor', 'a sparse tensor'], // prettier-ignore
    ['sparse without parts', call('torch._utils._rebuild_sparse_tensor', layout), [], 'sparse_tensor', 'a sparse tensor'], // prettier-ignore
    ['quantized', call('torch._utils._rebuild_qtensor', storage({ storage: 'torch.FloatStorage' }), int(0), tuple(int(3)), tuple(int(1)), tuple(global('torch', 'per_tensor_affine'), int(1), int(0)), [0x89], hooks), [3], 'qtensor', 'a quantized tensor'], // prettier-ignore
    ['meta', call('torch._utils._rebuild_meta_tensor_no_storage', global('torch', 'float32'), tuple(int(7)), tuple(int(1)), [0x89]), [7], 'float32', 'a tensor without values (device meta)'], // prettier-ignore
    ['of a subclass', call('torch._utils._rebuild_wrapper_subclass', global('torch', 'Tensor'), global('torch', 'float16'), tuple(int(8))), [8], 'float16', 'a tensor of a subclass'], // prettier-ignore
    ['nested', call('torch._utils._rebuild_nested_tensor', tensor(), tensor()), [], 'nested_tensor', 'a nested tensor'],
    ['of a device', call('torch._utils._rebuild_device_tensor_from_numpy', int(1)), [], 'device_tensor_from_numpy', 'a tensor of a device'], // prettier-ignore
  ])(
    'a tensor of another kind beside the weights, whose values are not read: %s',
    async (_name, value, shape, dtype, got) => {
      // prettier-ignore
      const { groups } = await open(write(dict({ net: dict({ w: tensor(), x: value }) })));
      const { tensors } = groups[0];
      expect([...((await tensors.get('w')?.read()) ?? [])]).toEqual(ALL);
      expect(tensors.get('x')).toMatchObject({ shape, dtype });
      await expect(tensors.get('x')?.read()).rejects.toThrow(
        refusal(WeightsError, 'net.pth: net.x', 'a dense tensor of floats or integers', got),
      );
    },
  );

  test('keys and scalars that are no weights', async () => {
    const pair = (key: number[], value: number[]): number[] => [...key, ...value, 0x73];
    const odd = [0x7d, ...pair(tuple(int(1), str('a')), int(1)), ...pair([0x4e], int(2)), ...pair([0x88], int(3)), ...pair([0x47, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0], int(4))]; // prettier-ignore
    const state = dict({ odd, best: scalar(new Uint8Array(2), 'f2'), name: scalar(new Uint8Array(12), 'U3') });
    expect(await read(write(dict({ model: dict({ w: tensor() }), more: state })))).toEqual({ model: { w: ALL } });
  });

  test.each(['float8_x', 'uint9', 'load', 'bits3', 'qint16'])('refuses the name torch.%s', async (name) => {
    await expect(open(write(dict({ w: tensor(), x: global('torch', name) })))).rejects.toThrow(
      refusal(WeightsError, 'net.pth', 'the names of tensors', `torch.${name}`),
    );
  });

  test('the facts and the writer', async () => {
    const state = { model: dict({ w: tensor() }), epoch: int(-1), 'pytorch-lightning_version': text('2.5') };
    expect(await open(write(dict(state)))).toMatchObject({
      facts: { ignored: ['epoch -1'] },
      writer: 'PyTorch Lightning 2.5',
    });
    expect(await open(write(dict({ w: tensor() })))).toMatchObject({ facts: {}, writer: null });
  });

  test('views of one storage', async () => {
    const state = dict({ row: tensor({ offset: 3, shape: [3], strides: [1] }), columns: tensor({ shape: [3, 2], strides: [1, 3] }) }); // prettier-ignore
    expect(await read(write(state))).toEqual({ '': { row: [4, 5, 6], columns: [1, 4, 2, 5, 3, 6] } });
  });

  test('all groups, but not those of optimizers, nor below four keys, nor in lists', async () => {
    const state = dict({ w: tensor(), count: int(3) });
    const deep = (depth: number): number[] => (depth === 0 ? state : dict({ d: deep(depth - 1) }));
    const file = dict({
      ...{ model: state, optimizer: state, optim: state, scaler: state, lr_scheduler: state, empty: dict({}) },
      ...{ net: dict({ state_dict: state, optimizer: state }), four: deep(3), five: deep(4), list: list([state]) },
    });
    expect(Object.keys(await read(write(file)))).toEqual(['model', 'net.state_dict', 'four.d.d.d']);
  });

  test('a dict with tensors and others, and one dict under two keys', async () => {
    const state = [...dict({ w: tensor() }), 0x71, 1];
    const groups = await read(write(dict({ model: state, ema: [0x68, 1], v: tensor(), 'not.a.tensor': str('a') })));
    expect(groups).toEqual({ '': { v: ALL }, model: { w: ALL }, ema: { w: ALL } });
  });

  test('an OrderedDict of Python 2, and the state of another', async () => {
    const pairs = call('collections.OrderedDict', list([tuple(text('w'), tensor())]));
    const other = [...call('collections.OrderedDict'), ...str('v'), ...tensor(), 0x73];
    const withState = [...other, ...dict({ _metadata: dict({}) }), 0x62];
    expect(await read(write(dict({ old: pairs, new: withState })))).toEqual({ old: { w: ALL }, new: { v: ALL } });
  });

  test.each<[string, number[], string, string]>([
    ['os.system', call('os.system', str('echo')), 'the names of tensors', 'os.system'],
    ['builtins.eval', call('__builtin__.eval', str('1')), 'the names of tensors', '__builtin__.eval'],
    ['getattr', call('builtins.getattr', global('torch', 'Tensor'), str('x')), 'the names', 'builtins.getattr'],
    ['a whole model', global('models.vanillanet', 'VanillaNet'), 'the names', 'models.vanillanet.VanillaNet'],
    ['no dict', list([tensor()]), 'a dict of tensors, such as a state_dict', 'a list or tuple'],
    ['one tensor', tensor(), 'a dict of tensors, such as a state_dict', 'one tensor'],
    ['no tensors', dict({ a: int(1), b: list([tensor()]) }), 'a dict of tensors', 'no tensors under the keys "a", "b"'],
    ['a negative size', dict({ w: tensor({ shape: [-2, 3] }) }), 'all integers >= 0', '[-2,3]'],
    ['a negative stride', dict({ w: tensor({ strides: [3, -1] }) }), 'all integers >= 0', '[3,-1]'],
    ['a negative offset', dict({ w: tensor({ offset: -1 }) }), 'all integers >= 0', 'and -1'],
    ['a shape beyond', dict({ w: tensor({ shape: [3, 3] }) }), 'a view of the 6 elements', 'shape [3,3]'],
    ['an offset beyond', dict({ w: tensor({ offset: 1 }) }), 'a view of the 6 elements', 'at offset 1'],
    ['an id that is no tuple', dict({ w: tensor({ reference: [...str('0'), 0x51] }) }), 'a storage', 'bytes'],
    ['an id of nothing', dict({ w: tensor({ reference: [0x29, 0x51] }) }), 'a storage', 'a list or tuple'],
    ['a key that leads elsewhere', dict({ w: tensor({ key: '../0' }) }), 'a storage', 'storage, the name torch.FloatStorage, ../0'], // prettier-ignore
    ['a key of letters', dict({ w: tensor({ key: 'a' }) }), 'a storage', ', a,'],
    ['a negative number of elements', dict({ w: tensor({ count: -6 }) }), 'a storage', 'the number -6'],
    ['a storage of tensors', dict({ w: tensor({ storage: 'torch.Size' }) }), 'a storage', 'the name torch.Size'],
    [
      'a tensor of a number',
      dict({ v: tensor(), w: tensor({ reference: int(1) }) }),
      'a storage, an offset',
      'the number 1',
    ],
    ['a shape of 65 sizes', dict({ w: tensor({ shape: Array.from({ length: 65 }, () => 1) }) }), 'a storage, an offset, at most 64 sizes', 'a list or tuple'], // prettier-ignore
    ['an id of many parts', dict({ w: tensor({ reference: [...tuple(...Array.from({ length: 9 }, () => str('a'.repeat(99)))), 0x51] }) }), 'a storage', Array.from({ length: 6 }, () => 'a'.repeat(60)).join(', ')], // prettier-ignore
    ['an offset of 2^62', dict({ w: call('torch._utils._rebuild_tensor', storage(), long(2n ** 62n), tuple(int(1)), tuple(int(1))) }), 'a storage, an offset', 'the number 4611686018427387904'], // prettier-ignore
  ])('refuses %s', async (_name, instructions, expected, got) => {
    await expect(read(write(instructions))).rejects.toThrow(refusal(WeightsError, 'net.pth', expected, got));
  });

  test('says that there is only the state of an optimizer, and where the weights are', async () => {
    const pair = (key: number[], value: number[]): number[] => [0x7d, ...key, ...value, 0x73];
    const groups = list([dict({ lr: int(1), params: list([int(0)]) })]);
    const moments = pair(int(0), dict({ step: int(1), exp_avg: tensor(), exp_avg_sq: tensor() }));
    const optimizer = (state: number[]): number[] => dict({ state, param_groups: groups });
    const format = write === checkpoint ? 'PyTorch, zip' : 'PyTorch, legacy format';
    const refused = (value: number[]) => expect(open(write(value))).rejects;
    const got = `the state of an optimizer (${format}; 2 tensors; the keys "state" and "param_groups")`;
    await refused(optimizer(moments)).toThrow(refusal(WeightsError, 'net.pth', 'weights', got));
    await refused(optimizer(moments)).toMatchObject({ hint: expect.stringContaining('by convention model.safetensors') }); // prettier-ignore
    const one = pair(int(0), dict({ momentum_buffer: tensor() }));
    await refused(dict({ epoch: int(3), optim: optimizer(one) })).toThrow(
      refusal(WeightsError, 'net.pth', 'weights', `(${format}; 1 tensor; the key "optim")`),
    );
    // Of no optimizer.
    const other = 'a dict of tensors, such as a state_dict';
    for (const value of [
      dict({ state: moments, param_groups: list([]) }),
      dict({ state: moments, param_groups: list([dict({ lr: int(1) })]) }),
      dict({ state: moments, param_groups: int(1) }),
      dict({ state: int(1), param_groups: groups, more: list([tensor()]) }),
    ]) {
      await refused(value).toThrow(refusal(WeightsError, 'net.pth', other, 'no tensors under the keys'));
    }
    expect(await read(write(dict({ model: dict({ w: tensor() }), optimizer: optimizer(moments) })))).toEqual({
      model: { w: ALL },
    });
  });

  test('says of which tensor', async () => {
    const file = write(dict({ model: dict({ 'stem.weight': tensor({ offset: 9 }) }) }));
    await expect(read(file)).rejects.toThrow(refusal(WeightsError, 'net.pth: model.stem.weight', '', 'offset 9'));
  });

  test('a dict under ten thousand keys is refused', async () => {
    const keys = Array.from({ length: 10_000 }, (_item, i): [string, number[]] => [`k${i}`, [0x68, 1]]);
    const file = write(dict({ first: [...dict({ w: tensor() }), 0x71, 1], ...Object.fromEntries(keys) }));
    await expect(open(file)).rejects.toThrow(
      refusal(WeightsError, 'net.pth', 'at most 10000 dicts of tensors', 'more'),
    );
  });

  test('warns of names that run code, and helps with whole models', async () => {
    await expect(open(write(call('posix.system', str('x'))))).rejects.toMatchObject({
      hint: expect.stringContaining('may be made to run code. Do not load it in Python'),
    });
    await expect(open(write(global('models.vanillanet', 'VanillaNet')))).rejects.toMatchObject({
      hint: expect.stringContaining('torch.save(model.state_dict(), "net.pth")'),
    });
  });
});

describe('zip', () => {
  const state = dict({ w: tensor() });
  const of = (...records: RecordOptions[]): Uint8Array => checkpoint(state, records);

  test('any folder, none, and one within another', async () => {
    expect(await read(checkpoint(state, [], ''))).toEqual({ '': { w: ALL } });
    expect(await read(checkpoint(state, [], 'a/b c/'))).toEqual({ '': { w: ALL } });
    // torch.save names the folder as the file, such as code.pth.
    expect(await read(checkpoint(state, [], 'code/'))).toEqual({ '': { w: ALL } });
    expect(await read(of({ name: 'net/sub/data.pkl', data: Uint8Array.of(1) }))).toEqual({ '': { w: ALL } });
  });

  const untyped = [...tuple(str('storage'), global('torch.storage', 'UntypedStorage'), str('0'), str('cpu'), int(24)), 0x51]; // prettier-ignore

  test('a storage of bytes without a type, whose tensor is not read', async () => {
    const hooks = call('collections.OrderedDict');
    const value = call('torch._utils._rebuild_tensor_v3', untyped, int(0), tuple(int(3)), tuple(int(1)), [0x89], hooks, global('torch', 'uint16')); // prettier-ignore
    expect((await open(checkpoint(dict({ w: tensor(), x: value })))).groups[0].tensors.get('x')).toMatchObject({
      shape: [3],
      dtype: 'uint16',
    });
    const bytes = tensor({ reference: untyped, shape: [2], strides: [1] });
    expect(await read(checkpoint(dict({ w: bytes })))).toEqual({ '': { w: [0, 0] } });
  });

  test('the outermost folder, of any number', () => {
    expect(folderOf(['a/b/data.pkl', 'a/data.pkl', 'c/data.pkl', 'a/data/0'])).toBe('a/');
    expect(folderOf(['a/version', 'a/xdata.pkl'])).toBeNull();
    expect(folderOf(Array.from({ length: 200_000 }, (_, i) => `${i + 1}/data.pkl`))).toBe('1/');
  });

  test('a deflated byte order and pickle', async () => {
    const order = { name: 'net/byteorder', data: Buffer.from(`little${' '.repeat(14)}`), isDeflated: true };
    expect(await read(of(order))).toEqual({ '': { w: ALL } });
    const more = { ...order, data: Buffer.from(`little${' '.repeat(15)}`) };
    await expect(open(of(more))).rejects.toThrow(
      refusal(WeightsError, 'net.pth: net/byteorder', 'at most 20 bytes after inflation', '21'),
    );
    // Bytes that deflate does not make shorter, and a size that they could have.
    const noise = Uint8Array.from({ length: 70_000 }, (_, i) => Math.imul(i ** 2, 0x9e3779b1) >>> 24);
    const bomb = { name: 'net/data.pkl', data: noise, isDeflated: true, size: 2 ** 26 + 1 };
    await expect(open(of(bomb))).rejects.toThrow(
      refusal(WeightsError, 'net.pth: net/data.pkl', 'at most 67108864 bytes after inflation', '67108865'),
    );
  });

  test('deflated storages inflate to twice their tensors, or 1 MiB', async () => {
    const elements = 2 ** 18 + 1;
    const zeros = { name: 'net/data/0', data: new Uint8Array(4 * elements), isDeflated: true };
    const of = (shape: number): Uint8Array =>
      checkpoint(dict({ w: tensor({ shape: [shape], strides: [1], count: elements }) }), [zeros]);
    expect((await read(of(elements)))[''].w).toHaveLength(elements);
    const half = Math.ceil(elements / 2);
    expect((await read(of(half)))[''].w).toHaveLength(half);
    const { groups } = await open(of(3));
    await expect(groups[0].tensors.get('w')?.read()).rejects.toThrow(
      refusal(WeightsError, 'net.pth: net/data/0', 'at most 1048576 bytes after inflation', '1048580'),
    );
  });

  test('damage in a storage of several views, of which none is all of it, and in a long pickle', async () => {
    const views = dict({ a: tensor({ shape: [2], strides: [1] }), b: tensor({ shape: [2], strides: [1], offset: 4 }) });
    const bytes = checkpoint(views);
    const third = Buffer.from(bytes).indexOf(Buffer.from(Float32Array.of(3).buffer));
    bytes[third] ^= 1;
    await expect(read(bytes)).rejects.toThrow(refusal(WeightsError, 'net.pth: net/data/0', 'the checksum', ''));

    const long = dict({ w: tensor(), log: [...list([]), ...Array.from({ length: 300 }, () => large(new Uint8Array(1000))).flatMap((each) => [...each, 0x61])] }); // prettier-ignore
    const whole = checkpoint(long);
    expect(await read(whole)).toEqual({ '': { w: ALL } });
    whole[290_000] ^= 1;
    await expect(open(whole)).rejects.toThrow(refusal(WeightsError, 'net.pth: net/data.pkl', 'the checksum', ''));
  });

  test('without a byte order, as before 1.13', async () => {
    expect(await read(of({ name: 'net/byteorder', data: Buffer.from('little') }))).toEqual({ '': { w: ALL } });
  });

  test.each<[string, Uint8Array, string, string]>([
    ['an empty dict', checkpoint(dict({})), 'a dict of tensors, such as a state_dict', 'an empty dict'],
    ['big-endian storages', of({ name: 'net/byteorder', data: Buffer.from('big') }), 'little', 'big'],
    ['a shorter storage', of({ name: 'net/data/0', data: new Uint8Array(23) }), '24 bytes in the record', '23 bytes'],
    ['a longer storage', of({ name: 'net/data/0', data: new Uint8Array(25) }), '24 bytes in the record', '25 bytes'],
    ['a missing storage', checkpoint(dict({ w: tensor({ key: '1' }) })), 'in the record net/data/1', 'no such record'],
    ['another number', checkpoint(dict({ w: tensor({ count: 7 }) })), '28 bytes in the record', '24 bytes'],
    ['another type', checkpoint(dict({ w: tensor({ storage: 'torch.HalfStorage' }) })), '12 bytes', '24 bytes'],
    ['a pickle that is cut', of({ name: 'net/data.pkl', data: Uint8Array.of(0x80, 2) }), '1 more bytes', '0: the file'],
    [
      'TorchScript',
      of({ name: 'net/constants.pkl', data: new Uint8Array(1) }),
      'a checkpoint',
      'a TorchScript program',
    ],
    ['code', of({ name: 'net/code/a.py', data: new Uint8Array(1) }), 'a checkpoint', 'a TorchScript program'],
    ['torch.export', of({ name: 'x/models/model.json', data: new Uint8Array(1) }), 'a checkpoint', 'torch.export'],
  ])('refuses %s', async (_, bytes, expected, got) => {
    await expect(read(bytes)).rejects.toThrow(refusal(WeightsError, 'net.pth', expected, got));
  });
});

describe('legacy', () => {
  const state = dict({ w: tensor() });

  test.each<[string, Uint8Array, string, string]>([
    ['another version', legacy(state, { version: int(1002) }), 'version 1001 of the format', 'the number 1002'],
    ['big-endian storages', legacy(state, { system: dict({ little_endian: [0x89] }) }), 'little-endian', 'big-endian'],
    ['facts that are none', legacy(state, { system: int(1) }), 'facts about the system', 'the number 1'],
    ['keys that are none', legacy(state, { keys: int(1) }), 'a list of the keys of storages', 'the number 1'],
    ['an unknown key', legacy(state, { keys: list([str('7')]) }), 'the key of a storage that a tensor has', 'another'],
    ['a key twice', legacy(state, { keys: list([str('0'), str('0')]) }), 'each key once', 'a key twice'],
    ['no keys', legacy(state, { keys: list([]) }), 'an end at byte', 'bytes'],
    ['fewer elements', legacy(state, { count: 5n }), '6 elements', '5'],
    ['a negative number of elements', legacy(state, { count: -1n }), '6 elements', '-1'],
    ['2^62 elements', legacy(state, { count: 2n ** 62n }), '6 elements', '4611686018427387904'],
    ['a cut storage', legacy(state, { data: new Uint8Array(23) }), '24 bytes from byte', 'it is cut short'],
    ['appended bytes', legacy(state, { data: new Uint8Array(25) }), 'an end at byte', 'bytes'],
    ['one storage of two types', legacy(dict({ a: tensor(), b: tensor({ storage: 'torch.IntStorage' }) })), 'one type of the storage 0', 'float32 and int32'], // prettier-ignore
    [
      'one storage of two sizes',
      legacy(dict({ a: tensor(), b: tensor({ count: 5, shape: [5], strides: [1] }) })),
      '6 elements in the storage 0',
      '5',
    ],
  ])('refuses %s', async (_, bytes, expected, got) => {
    await expect(read(bytes)).rejects.toThrow(refusal(WeightsError, 'net.pth', expected, got));
  });

  test('every prefix', async () => {
    const bytes = legacy(state);
    for (let length = 14; length < bytes.length; length += 3) {
      await expect(open(bytes.subarray(0, length))).rejects.toThrow(WeightsError);
    }
  });
});

test.each([
  ['zip', checkpoint],
  ['legacy', legacy],
])('%s: damage of any byte ends in a WeightsError, or is read', async (_, write) => {
  const whole = write(dict({ model: dict({ w: tensor(), v: tensor({ shape: [6], strides: [1] }) }), epoch: int(3) }));
  for (let at = 0; at < whole.length; at++) {
    for (const change of [0x01, 0x80, 0xff]) {
      const bytes = Uint8Array.from(whole);
      bytes[at] ^= change;
      await read(bytes).catch((error: unknown) => {
        if (!(error instanceof Error && error.message === 'not recognized')) expect(error).toBeInstanceOf(WeightsError);
      });
    }
  }
});

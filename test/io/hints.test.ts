/** Every error about weights says what to do. */
import { describe, expect, test } from '@jest/globals';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { ModelConfig } from '../../src/core/config.js';
import { resolveConfig } from '../../src/core/config.js';
import { WeightsError } from '../../src/core/errors.js';
import { appendWhole } from '../../src/io/appendWhole.js';
import { atomicWrite, requireWritable } from '../../src/io/atomicWrite.js';
import { configOf, writeConfig } from '../../src/io/configMetadata.js';
import { cutShards } from '../../src/io/cutShards.js';
import { lock } from '../../src/io/lock.js';
import { openShards } from '../../src/io/openShards.js';
import { openWeights, resolveWeightsOptions } from '../../src/io/openWeights.js';
import { hintOf, hintOfStatus, reasonOf } from '../../src/io/reason.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/io/safetensors.js';
import { streamSafetensors } from '../../src/io/safetensorsStream.js';
import { checkSha256, sha256Of, verifySha256 } from '../../src/io/sha256.js';
import { readShardIndex } from '../../src/io/shardIndex.js';
import { posixTest } from '../platform.js';
import { temporaryFolder } from './temporaryFolder.js';

const path = temporaryFolder();

const DAMAGED = 'The header is damaged, or was written by a faulty program: download or export the file again.';
const INT8 = 'Write int8 weights by `vanillanet pack --dtype int8`, which adds the scales.';
const CUT = 'Download, copy or export the file again.';
const EXTRA = 'Something was appended to the file, or its header is of another: copy or export it again.';

/** A file from the text or bytes of its header, and its data. */
function file(header: string | Uint8Array, data = 0): Uint8Array {
  const text = Buffer.from(header);
  const bytes = Buffer.alloc(8 + text.length + data);
  bytes.writeBigUInt64LE(BigInt(text.length));
  bytes.set(text, 8);
  return bytes;
}

const tensor = (dtype: string, shape: string, offsets: string): string =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

describe('a header', () => {
  test.each([
    [
      'above the limit',
      file('{'.padEnd(2 ** 22 + 1)),
      'A VanillaNet needs less: the file is damaged, or of another network. Download or export it again.',
    ],
    ['that is cut', file('{"a":1}').subarray(0, 12), CUT],
    ['of more data', file(`{"a":${tensor('F32', '[1]', '[0,4]')}}`, 3), CUT],
    ['of fewer data', file(`{"a":${tensor('F32', '[1]', '[0,4]')}}`, 5), EXTRA],
    ['of no text', file(Uint8Array.of(0x7b, 0xff)), DAMAGED],
    ['that is not JSON', file('{"a":}'), DAMAGED],
    ['of half a surrogate pair', file(`{"\\ud800":${tensor('F32', '[]', '[0,4]')}}`, 4), DAMAGED],
    ['without offsets', file('{"a":{"dtype":"F32","shape":[]}}'), DAMAGED],
    ['with a wrong shape', file(`{"a":${tensor('F32', '[-1]', '[0,4]')}}`, 4), DAMAGED],
    ['with wrong offsets', file(`{"a":${tensor('F32', '[1]', '[4,0]')}}`, 4), DAMAGED],
    ['with other offsets', file(`{"a":${tensor('F32', '[1]', '[0,8]')}}`, 8), DAMAGED],
    ['with metadata of a list', file('{"__metadata__":[]}'), DAMAGED],
    ['with metadata of numbers', file('{"__metadata__":{"a":1}}'), DAMAGED],
    [
      'with two equal keys',
      file(`{"a":${tensor('F32', '[0]', '[0,0]')},"a":${tensor('F32', '[0]', '[0,0]')}}`),
      DAMAGED,
    ],
    ['with a hole', file(`{"a":${tensor('F32', '[1]', '[4,8]')}}`, 8), DAMAGED],
    [
      'with another dtype',
      file(`{"a":${tensor('F8_E4M3', '[1]', '[0,1]')}}`, 1),
      'Convert it in Python: safetensors.torch.save_file({name: tensor.float() for name, tensor in state.items()}, "net.safetensors").',
    ],
    ['with int8 of one dimension', file(`{"a":${tensor('I8', '[1]', '[0,1]')}}`, 1), INT8],
    ['with int8 without scales', file(`{"a":${tensor('I8', '[1,1]', '[0,1]')}}`, 1), INT8],
    [
      'with other scales',
      file(`{"a_scale":${tensor('F32', '[2]', '[0,8]')},"a":${tensor('I8', '[1,1]', '[8,9]')}}`, 9),
      INT8,
    ],
    [
      'with late scales',
      file(`{"a":${tensor('I8', '[4,1]', '[0,4]')},"a_scale":${tensor('F32', '[4]', '[4,20]')}}`, 20),
      INT8,
    ],
  ])('%s', async (_, bytes, hint) => {
    expect(() => decodeSafetensors(bytes)).toThrow(expect.objectContaining({ hint }));
    const streamed = streamSafetensors(chunks(bytes), 'net').then((weights) => drain(weights.parts()));
    await expect(streamed).rejects.toMatchObject({ hint });
  });

  test('has a cause only if another error is the cause', () => {
    const errorOf = (bytes: Uint8Array): unknown => {
      try {
        return decodeSafetensors(bytes);
      } catch (error) {
        return error;
      }
    };
    expect(errorOf(file(Uint8Array.of(0x7b, 0xff)))).toHaveProperty('cause.name', 'TypeError');
    expect(errorOf(file('{"a":{"dtype":"F32","shape":[]}}'))).not.toHaveProperty('cause');
  });

  test('that is too long is not written', () => {
    const metadata = new Map([['names', 'n'.repeat(2 ** 22)]]);
    const hint = 'Shorten the metadata, such as class_names, or the names of tensors.';
    expect(() => encodeSafetensors(new Map(), { metadata })).toThrow(expect.objectContaining({ hint }));
  });
});

/** Reads to the end. @returns the number of chunks */
async function drain(iterable: AsyncIterable<unknown>): Promise<number> {
  const items: unknown[] = [];
  for await (const item of iterable) items.push(item);
  return items.length;
}

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

describe('a value', () => {
  const of = (name: string, value: number): Map<string, { data: Float64Array; shape: number[] }> =>
    new Map([[name, { data: Float64Array.of(value), shape: [1, 1] }]]);
  const counter = 'Set num_batches_tracked to 0: nothing is computed from it.';

  test.each([
    ['beyond float32', of('a', 1e300), 'float32', 'Write float64.'],
    ['beyond float16', of('a', 1e5), 'float16', 'Write float32.'],
    [
      'that is not finite in int8',
      of('a', NaN),
      'int8',
      'Write float32; weights that are not finite come from a training that diverged.',
    ],
    [
      'beyond int8',
      of('a', 3.4028234663852886e38),
      'int8',
      'Write float32; weights that are not finite come from a training that diverged.',
    ],
    ['of a counter', of('a.num_batches_tracked', 0.5), 'float32', counter],
    ['of a reserved name', of('__metadata__', 1), 'float32', 'Rename the tensor.'],
    [
      'of the name of scales',
      new Map([...of('a_scale', 1), ...of('a', 1)]),
      'int8',
      'Rename the tensor, or write float16.',
    ],
  ] as const)('%s', (_, tensors, dtype, hint) => {
    expect(() => encodeSafetensors(tensors, { dtype })).toThrow(expect.objectContaining({ hint }));
  });

  test('of a counter that is read', () => {
    const bytes = Buffer.from(file(`{"a":${tensor('I64', '[]', '[0,8]')}}`, 8));
    bytes.writeBigInt64LE(2n ** 60n, bytes.length - 8);
    expect(() => decodeSafetensors(bytes)).toThrow(expect.objectContaining({ hint: counter }));
  });

  test('of scales that are read', () => {
    const header = `{"a_scale":${tensor('F32', '[1]', '[0,4]')},"a":${tensor('I8', '[1,1]', '[4,5]')}}`;
    const bytes = Buffer.from(file(header, 5));
    bytes.writeFloatLE(NaN, bytes.length - 5);
    const hint = 'Write the weights again: vanillanet pack --dtype int8.';
    expect(() => decodeSafetensors(bytes)).toThrow(expect.objectContaining({ hint }));
  });
});

test.each([
  ['https://h/net.json', 'an index of shards (format "vanillanet-shards")'],
  ['https://h/net.JSON?key=abc', 'an index of shards (format "vanillanet-shards")'],
  ['https://h/net.json.txt', 'a safetensors file'],
  ['https://h/net.safetensors?file=a.json', 'a safetensors file'],
])('JSON in the place of weights is expected to be an index only by its name: %s', async (url, expected) => {
  const fetch = (): Promise<Response> => Promise.resolve(new Response('{"why": 1}'));
  await expect(openWeights(url, resolveWeightsOptions({ fetch }))).rejects.toMatchObject({ expected });
});

describe('a hash', () => {
  const hint = 'The file is damaged or another version: download it again, or pass the sha256 of this one.';
  const sha256 = 'ab'.repeat(32);

  test('that differs', async () => {
    const read = (): Promise<number> => drain(verifySha256(chunks(Uint8Array.of(1)), sha256, 'net'));
    await expect(read()).rejects.toMatchObject({ op: 'net', got: sha256Of(Uint8Array.of(1)), hint });
  });

  test('that differs from the index', async () => {
    const { index, shards } = cutShards(new Uint8Array(10), { name: 'net' });
    const all = openShards(index, (name) => shards.get(name));
    await expect(openWeights(all, resolveWeightsOptions({ sha256 }))).rejects.toMatchObject({
      ...{ op: 'shards', expected: `sha256 ${sha256}`, got: `${index.sha256} in the index`, hint },
    });
  });

  test('that is none', () => {
    expect(() => checkSha256('12')).toThrow(
      expect.objectContaining({ op: 'sha256', hint: 'Print it by `sha256sum FILE` or `shasum -a 256 FILE`.' }),
    );
  });
});

describe('shards', () => {
  const SHARD = 'Copy the shards and their index again, or write them again: vanillanet pack IN OUT.json --shard.';
  const NONE = 'Store each shard under the name that the index has for it; open must return its bytes.';
  const { index, shards } = cutShards(new Uint8Array(10).fill(7), { name: 'net', limit: 5 });
  const read = (open: Parameters<typeof openShards>[1]): Promise<number> => drain(openShards(index, open));

  test.each<[string, Parameters<typeof openShards>[1], string]>([
    ['that are cut', () => new Uint8Array(4).fill(7), SHARD],
    ['that are longer', () => new Uint8Array(6).fill(7), SHARD],
    ['that differ', () => new Uint8Array(5), SHARD],
    ['that are missing', () => null, NONE],
    ['that are undefined', () => undefined, NONE],
    ['whose server has none', () => new Response('', { status: 404 }), hintOfStatus(404) ?? ''],
    [
      'whose stream breaks',
      () =>
        new ReadableStream({
          start: (controller) => {
            controller.error(Object.assign(new Error('x'), { code: 'ECONNRESET' }));
          },
        }),
      'Try again.',
    ],
    [
      'that cannot be opened',
      () => {
        throw Object.assign(new Error('x'), { code: 'EACCES' });
      },
      'Check the permissions of the file and of its folders.',
    ],
  ])('%s', async (_, open, hint) => {
    await expect(read(open)).rejects.toMatchObject({ hint });
  });

  test('have the cause of their errors', async () => {
    const failure = new Error('x');
    const fail = (): never => {
      throw failure;
    };
    await expect(read(fail)).rejects.toMatchObject({ expected: 'a shard', got: 'x', cause: failure });
    const stream = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        start: (controller) => {
          controller.error(failure);
        },
      });
    await expect(read(stream)).rejects.toMatchObject({
      ...{ op: 'net-00001-of-00002.bin', expected: 'weights to the end', cause: failure },
    });
  });

  test('get their name in the errors of a stream', async () => {
    const failure = new WeightsError({ op: 'inner', expected: 'a key', got: 'none', hint: 'Pass one.' });
    const stream = (): AsyncIterable<Uint8Array> => ({
      [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(failure) }),
    });
    await expect(read(stream)).rejects.toMatchObject({
      ...{ op: 'net-00001-of-00002.bin', expected: 'a key', got: 'none', hint: 'Pass one.', cause: failure },
    });
  });

  test('whose index is damaged', () => {
    const hint = 'Copy the index again, or write it again: vanillanet pack IN OUT.json --shard.';
    expect(() => readShardIndex({ ...index, bytes: 11 })).toThrow(expect.objectContaining({ hint }));
    expect(() => readShardIndex([])).toThrow(expect.objectContaining({ hint }));
    expect(() => readShardIndex('{"shards":')).toThrow(expect.objectContaining({ hint }));
  });

  test('of a wrong name or limit', () => {
    const bytes = new Uint8Array(200_000);
    const limit = 'Choose a larger limit, such as 24 * 2 ** 20.';
    expect(() => cutShards(bytes, { name: 'net', limit: 1 })).toThrow(expect.objectContaining({ hint: limit }));
    const name = 'Omit / \\ : ? # % from the name: the shards lie beside their index.';
    expect(() => cutShards(bytes, { name: 'a/b' })).toThrow(expect.objectContaining({ hint: name }));
    expect(shards.size).toBe(2);
  });
});

test('a configuration that contradicts the file', () => {
  const small: Partial<ModelConfig> = {
    dims: [4, 6, 8],
    strides: [2, 2],
    num_classes: 3,
    act_num: 1,
    input_size: [16, 16],
  };
  const stored = resolveConfig({ ...small, lambda: 0.5 });
  const names = new Map([['stem1.0.weight', 1]]);
  const hint = 'Omit what the file describes itself, or pass the weights of that network.';
  const merge = (input: object) => () => configOf({ names, metadata: writeConfig(stored) }, input, 'net');
  expect(merge({ num_classes: 4 })).toThrow(expect.objectContaining({ op: 'net', hint }));
  expect(merge({ lambda: 1 })).toThrow(
    expect.objectContaining({ op: 'net', got: "lambda 0.5 in the file's own description", hint }),
  );
  expect(merge({ lambda: 0.5 })()).toEqual(stored);
});

describe('an output', () => {
  test('that is no path, a folder, or in a folder that is missing or a file', async () => {
    const write = 'Pass the path of the file to write.';
    await expect(requireWritable('')).rejects.toMatchObject({
      op: '""',
      expected: 'a path',
      got: 'an empty path',
      hint: write,
    });
    await expect(requireWritable('a\0')).rejects.toMatchObject({ got: 'one with a null character', hint: write });
    await expect(requireWritable(path('.'))).rejects.toMatchObject({
      got: 'a folder',
      hint: 'Add the name of a file to it.',
    });
    const missing = {
      expected: `a folder ${path('no')}`,
      got: 'none',
      hint: `Create it first: mkdir -p ${path('no')}.`,
    };
    await expect(requireWritable(path('no', 'net'))).rejects.toMatchObject(missing);
    await writeFile(path('plain'), '');
    await expect(requireWritable(path('plain', 'net'))).rejects.toMatchObject({ got: 'a file' });
  });

  posixTest('links')('that is an input, by its path, a link or a file: URL', async () => {
    await writeFile(path('input'), '');
    await symlink(path('input'), path('link'));
    const error = { expected: 'an output that is not an input', hint: 'Name another output file.' };
    for (const input of [
      path('input'),
      path('link'),
      pathToFileURL(path('input')).href,
      pathToFileURL(path('link')).href,
    ]) {
      await expect(requireWritable(path('input'), [input])).rejects.toMatchObject({ ...error, got: input });
      await expect(requireWritable(path('link'), [input])).rejects.toMatchObject({ ...error, got: input });
    }
    await expect(
      requireWritable(path('other'), ['', path('input'), 'file:///%zz', path('.')]),
    ).resolves.toBeUndefined();
  });

  posixTest('devices')('in a folder that is none', async () => {
    await mkdir(path('locks'));
    await writeFile(path('locks', 'plain'), '');
    const hint = 'Check the path.';
    await expect(lock(path('locks', 'plain', 'lock'), 'trains')).rejects.toMatchObject({ hint });
    const cause = { code: 'ENOTDIR' };
    await expect(appendWhole(path('locks', 'plain', 'log'), '')).rejects.toMatchObject({ hint, cause });
    await expect(atomicWrite(path('locks', 'plain', 'net'), '')).rejects.toMatchObject({ hint, cause });
  });
});

describe('a code', () => {
  const PATH = 'Check the path.';
  const PERMISSION = 'Check the permissions of the file and of its folders.';
  const DISK = 'Free some space, or choose another folder.';
  const NETWORK = 'Check the network connection and the host of the URL.';
  const RETRY = 'Try again.';
  const SERVER = 'Check that the server runs, and the host and port of the URL.';

  test.each([
    ['ENOENT', 'no such file or folder', PATH],
    ['ENOTDIR', 'no such file or folder', PATH],
    ['EISDIR', 'a folder', 'Pass a file in it.'],
    ['EACCES', 'no permission', PERMISSION],
    ['EPERM', 'no permission', PERMISSION],
    ['EBUSY', 'a file in use', 'Close the program that has it open.'],
    ['ENOSPC', 'a full disk', DISK],
    ['EDQUOT', 'a full quota', DISK],
    ['EFBIG', 'a file at its size limit', undefined],
    ['EROFS', 'a read-only disk', 'Choose another folder.'],
    ['ENOTFOUND', 'no address for that name (DNS)', NETWORK],
    ['EAI_AGAIN', 'no answer of the name server (DNS)', NETWORK],
    ['ECONNREFUSED', 'a refused connection', SERVER],
    ['ECONNRESET', 'a broken connection', RETRY],
    ['EPIPE', 'a broken connection', RETRY],
    ['UND_ERR_SOCKET', 'a broken connection', RETRY],
    ['EHOSTUNREACH', 'no route to that host', NETWORK],
    ['ENETUNREACH', 'no network', NETWORK],
    ['ETIMEDOUT', 'no answer', SERVER],
    ['UND_ERR_CONNECT_TIMEOUT', 'no answer', SERVER],
    ['UND_ERR_HEADERS_TIMEOUT', 'no answer', SERVER],
    ['UND_ERR_BODY_TIMEOUT', 'no answer', RETRY],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'another number of bytes than content-length says', RETRY],
    ['ERR_INVALID_URL', 'an invalid URL', 'Check the URL.'],
    ['ELOOP', 'a loop of links', PATH],
    ['ENAMETOOLONG', 'a name that is too long', PATH],
    ['EMFILE', 'too many open files', 'Raise the limit of open files: ulimit -n.'],
    ['EIO', 'an error of the disk', undefined],
    ['ConnectionRefused', 'a refused connection', SERVER],
    ['ConnectionClosed', 'a broken connection', RETRY],
    ['HPE_INVALID_HEADER', 'an answer that is not HTTP', SERVER],
    [
      'CERT_HAS_EXPIRED',
      'no secure connection (TLS: CERT_HAS_EXPIRED)',
      expect.stringContaining('NODE_EXTRA_CA_CERTS'),
    ],
    ['EUNKNOWN', 'failed', undefined],
  ])('%s has its words', (code, reason, hint) => {
    const error = new TypeError('fetch failed', { cause: Object.assign(new Error('failed'), { code }) });
    expect(hintOf(error)).toEqual(hint);
    expect(reasonOf(error)).toBe(code === 'EUNKNOWN' ? 'fetch failed: failed' : reason);
  });

  test.each([
    ['redirect count exceeded', 'a loop of redirects', 'Check the URL.'],
    ['Too many redirects', 'a loop of redirects', 'Check the URL.'],
    ['unknown scheme', 'a URL of an unknown scheme', 'Check the URL.'],
    [
      'Request includes credentials',
      'a URL with a password',
      'Pass a fetch that adds an Authorization header instead.',
    ],
    ['bad port', 'a port that fetch does not connect to', 'Use another port.'],
    ['Failed to parse URL from x', 'an invalid URL', 'Check the URL.'],
    ['Invalid URL', 'an invalid URL', 'Check the URL.'],
    ['why', 'why', undefined],
  ])('is not needed: %s', (message, reason, hint) => {
    expect([reasonOf(new Error(message)), hintOf(new Error(message))]).toEqual([reason, hint]);
  });
});

/** What is written in each format is read again with the same bits, by this package. */
import { describe, expect, test } from '@jest/globals';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { ParamError, WeightsError } from '../../src/core/errors.js';
import { outputFormat, withCounters } from '../../src/formats/exportWeights.js';
import { bytesAccess } from '../../src/formats/fileAccess.js';
import { importWeights } from '../../src/formats/importWeights.js';
import { openForeign } from '../../src/formats/openForeign.js';
import { openZip } from '../../src/formats/zip.js';
import type { TensorSource } from '../../src/io/tensorSource.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { bytesOf, NAMES, NETWORKS, type Network } from './writtenFiles.js';

const path = temporaryFolder();

const write = ({ tensors, config }: Network, file: string): Promise<void> =>
  outputFormat(file).write(path(file), tensors, config);

const isCounter = ({ name }: { readonly name: string }): boolean => name.endsWith('num_batches_tracked');

const EXPECTED = [
  ['net.safetensors', 'safetensors', true],
  ['net.pth', 'PyTorch checkpoint (zip)', false],
  ['net.pt', 'PyTorch checkpoint (zip)', false],
  ['net.pdparams', 'PaddlePaddle parameters (.pdparams)', false],
  ['net.onnx', 'ONNX graph, opset 17', true],
] as const;

describe.each(EXPECTED)('%s', (file, format, hasConfig) => {
  test('has the configuration, or not', () => {
    expect(outputFormat(file).hasConfig).toBe(hasConfig);
  });

  test.each(Object.entries(NETWORKS))('every bit of the network %s', async (_, network) => {
    await write(network, file);
    const weights = await importWeights(path(file), hasConfig ? {} : { config: network.config });
    const tensors = network.tensors.filter((tensor) => !file.endsWith('.pdparams') || !isCounter(tensor));
    expect(weights).toMatchObject({ format, config: network.config, prefix: '', missing: [], unexpected: [] });
    expect([...weights.tensors.keys()]).toEqual(tensors.map(({ name }) => name));
    for (const source of tensors) {
      const { name, dtype, shape } = source;
      const tensor = weights.tensors.get(name);
      expect([name, tensor?.dtype, tensor?.shape]).toEqual([name, NAMES[dtype], shape]);
      const values = (await tensor?.read()) ?? new Float32Array(0);
      expect(bytesOf(values, dtype)).toEqual(bytesOf(await source.read(), dtype));
    }
    await weights.close();
  });

  test('the same file each time', async () => {
    await write(NETWORKS.train, file);
    const bytes = await readFile(path(file));
    await write(NETWORKS.train, file);
    expect(bytes.equals(await readFile(path(file)))).toBe(true);
  });

  // A graph has the shapes of its network: see writeOnnx.long.test.ts.
  if (!file.endsWith('.onnx')) {
    test('a tensor of several parts', async () => {
      const data = Float32Array.from({ length: 2 ** 20 + 2 }, (_, i) => i);
      const { config, tensors } = NETWORKS.deploy;
      const large: TensorSource = { name: 'stem.0.weight', dtype: 'F32', shape: [2, 2 ** 19 + 1], read: () => Promise.resolve(data) }; // prettier-ignore
      await write({ config, tensors: [large, ...tensors.slice(1)] }, file);
      const opened = await openForeign(path(file));
      const values = (await opened?.groups[0].tensors.get('stem.0.weight')?.read()) ?? new Float32Array(0);
      // Of so many values, toEqual takes seconds.
      expect(Buffer.compare(bytesOf(values, 'F32'), bytesOf(data, 'F32'))).toBe(0);
      await opened?.close();
    });
  }

  const failing = (tensor: Partial<TensorSource>): Network => {
    const { config, tensors } = NETWORKS.deploy;
    return { config, tensors: tensors.map((each, i) => (i === tensors.length - 1 ? { ...each, ...tensor } : each)) };
  };

  test.each<[string, Partial<TensorSource>, ReturnType<typeof refusal>]>([
    [
      'a tensor that cannot be read',
      { read: () => Promise.reject(new WeightsError({ op: 'in.pth', expected: 'a', got: 'b' })) },
      refusal(WeightsError, 'in.pth', 'a', 'b'),
    ],
    [
      'a value beyond the type',
      { dtype: 'F16', read: () => Promise.resolve(Float64Array.of(1, 2, 1e6, 4, 5)) },
      refusal(WeightsError, 'cls.2.bias', 'float16 can hold', '1000000 at element 2'),
    ],
    [
      'another number of values',
      { read: () => Promise.resolve(new Float64Array(6)) },
      refusal(WeightsError, 'cls.2.bias', 'the values of [5]', '6 values'),
    ],
  ])('%s leaves the file as it was', async (_, tensor, error) => {
    await writeFile(path(file), 'before');
    const files = await readdir(path());
    await expect(write(failing(tensor), file)).rejects.toThrow(error);
    expect(await readFile(path(file), 'utf8')).toBe('before');
    expect(await readdir(path())).toEqual(files);
  });

  test('a folder that is missing', async () => {
    await expect(outputFormat(file).write(path('none', file), [], NETWORKS.deploy.config)).rejects.toThrow(ParamError);
  });

  test('no more than one tensor at a time', async () => {
    const events: string[] = [];
    const { config, tensors } = NETWORKS.deploy;
    const traced = tensors.map((tensor) => ({
      ...tensor,
      read: async () => {
        events.push(`begin ${tensor.name}`);
        const data = await tensor.read();
        // The values are looked at when their bytes are made.
        return new Proxy(data, {
          get(target, key) {
            if (key === 'subarray') events.push(`write ${tensor.name}`);
            const value: unknown = Reflect.get(target, key, target);
            return typeof value === 'function' ? (value.bind(target) as unknown) : value;
          },
        });
      },
    }));
    await write({ config, tensors: traced }, file);
    expect(events).toHaveLength(2 * tensors.length);
    const pairs = events.filter((_, i) => i % 2 === 0).map((event, i) => [event, events[2 * i + 1]]);
    for (const [begin, end] of pairs) expect(end).toBe(begin.replace('begin', 'write'));
  });
});

describe('the archive of PyTorch', () => {
  const recordsOf = async (file: string) => {
    await write(NETWORKS.train, file);
    const bytes = await readFile(path(file));
    const { records } = await openZip(bytesAccess(file, bytes));
    const contents = await Promise.all(
      [...records].map(async ([name, record]) => {
        const access = await record.open();
        return [name, Buffer.from(await access.read(0, access.size))] as const;
      }),
    );
    return { bytes, records: new Map(contents) };
  };

  test('has the records of torch.save, in a folder of the name of the file', async () => {
    const { records } = await recordsOf('my net.v2.pth');
    const { length } = NETWORKS.train.tensors;
    expect([...records.keys()]).toEqual([
      ...['my net.v2/data.pkl', 'my net.v2/byteorder'],
      ...Array.from({ length }, (_, i) => `my net.v2/data/${i}`),
      ...['my net.v2/version', 'my net.v2/.data/serialization_id'],
    ]);
    expect(records.get('my net.v2/byteorder')?.toString()).toBe('little');
    expect(records.get('my net.v2/version')?.toString()).toBe('3\n');
    expect(records.get('my net.v2/.data/serialization_id')?.toString()).toMatch(/^\d{40}$/);
    expect(records.get('my net.v2/data.pkl')?.subarray(0, 2)).toEqual(Buffer.from([0x80, 2]));
    const [first] = NETWORKS.train.tensors;
    expect(records.get('my net.v2/data/0')).toEqual(Buffer.from(bytesOf(await first.read(), 'F32')));
  });

  test.each(['.pth', 'ä.pth', 'a\\b.pth', 'a\tb.pt'])('has the folder archive for a file %j', async (file) => {
    const { records } = await recordsOf(file);
    expect([...records.keys()][0]).toBe('archive/data.pkl');
  });

  test('has aligned data, whose checksums follow it', async () => {
    const { bytes, records } = await recordsOf('net.pth');
    for (const [name, content] of records) {
      const header = bytes.indexOf(name) - 30;
      const data = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28);
      expect([name, data % 64]).toEqual([name, 0]);
      const end = data + content.length;
      expect(bytes.subarray(data, end)).toEqual(content);
      expect(bytes.readUInt32LE(end + 4)).toBe(crc32(content));
    }
  });

  test('has another id for other weights', async () => {
    const idOf = async (network: Network): Promise<string | undefined> => {
      await write(network, 'id.pth');
      const { records } = await openZip(bytesAccess('id.pth', await readFile(path('id.pth'))));
      const access = await records.get('id/.data/serialization_id')?.open();
      return access && Buffer.from(await access.read(0, access.size)).toString();
    };
    const { config, tensors } = NETWORKS.train;
    const other = tensors.map((each, i) => (i === 0 ? { ...each, read: () => Promise.resolve(new Float32Array(192)) } : each)); // prettier-ignore
    expect(await idOf({ config, tensors: other })).not.toBe(await idOf(NETWORKS.train));
  });
});

describe('counters of batches', () => {
  const { config, tensors } = NETWORKS.train;
  const others = tensors.filter((tensor) => !isCounter(tensor));

  test('are 0 in a state_dict of PyTorch if there are none', async () => {
    await write({ config, tensors: others }, 'net.pth');
    const weights = await importWeights(path('net.pth'), { config });
    expect([...weights.tensors.keys()]).toEqual(tensors.map(({ name }) => name));
    const counters = [...weights.tensors].filter(([name]) => isCounter({ name }));
    expect(counters).toHaveLength(tensors.length - others.length);
    for (const [, tensor] of counters) {
      expect(tensor).toMatchObject({ dtype: 'int64', shape: [] });
      expect(await tensor.read()).toEqual(Float64Array.of(0));
    }
    await weights.close();
  });

  test('are those of the network if there are some, in the order of the network', () => {
    expect(withCounters(tensors.toReversed(), config)).toEqual(tensors);
    expect(withCounters(NETWORKS.deploy.tensors, NETWORKS.deploy.config)).toEqual(NETWORKS.deploy.tensors);
  });

  test('PaddlePaddle has its own names of statistics', async () => {
    await write(NETWORKS.train, 'net.pdparams');
    const opened = await openForeign(path('net.pdparams'));
    const names = tensors
      .filter((tensor) => !isCounter(tensor))
      .map(({ name }) => name.replace('running_mean', '_mean').replace('running_var', '_variance'));
    expect([...(opened?.groups[0].tensors.keys() ?? [])]).toEqual(names);
    await opened?.close();
  });
});

test.each([
  ['net.h5', '.h5'],
  ['net', 'no ending'],
  ['net.pth.zip', '.zip'],
  ['a.pth/net', 'no ending'],
])('%s: no format', (file, got) => {
  const error = refusal(ParamError, file, 'a name that ends in .safetensors, .pth, .pt, .pdparams or .onnx', got);
  expect(() => outputFormat(file)).toThrow(error);
});

/** Which reader weights get, and what `inspect` says of values that no network can have; on a network of a few weights. */
import { afterEach, expect, jest, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { convertCommand } from '../../src/cli/convert.js';
import { inspectCommand } from '../../src/cli/inspect.js';
import { networkSource, readNetworkWeights } from '../../src/cli/weights.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';

const path = temporaryFolder();
const config = drawnConfig('deploy', { input_size: [8, 8] });
afterEach(() => {
  jest.restoreAllMocks();
});

/** What a command prints. */
async function printed(command: ReturnType<typeof inspectCommand>, ...args: string[]): Promise<string> {
  let text = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  try {
    await command.exitOverride().parseAsync(args, { from: 'user' });
  } finally {
    jest.restoreAllMocks();
  }
  return text;
}

test('weights of this package are read from a URL', async () => {
  await writeWeights(path('own.safetensors'), drawnState(config), config, { dtype: 'float32' });
  const bytes = await readFile(path('own.safetensors'));
  const server = createServer((_, response) => {
    response.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/own.safetensors`;
  try {
    const { state, config: network } = await readNetworkWeights(url, {});
    expect(network).toEqual(config);
    expect(state.get('cls.2.bias')?.data).toHaveLength(5);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('a graph is read from its nodes, though it has its configuration', async () => {
  await writeWeights(path('graph.safetensors'), drawnState(config), config, { dtype: 'float32' });
  await printed(convertCommand(), path('graph.safetensors'), path('net.onnx'));
  expect((await readNetworkWeights(path('net.onnx'), {})).config).toMatchObject({ dims: [4, 6, 8], num_classes: 5 });
});

test('a key is refused for weights of this package', async () => {
  await writeWeights(path('plain.safetensors'), drawnState(config), config, { dtype: 'float32' });
  await expect(networkSource(path('plain.safetensors'), { key: 'model' })).rejects.toMatchObject({
    ...{ name: 'ParamError', expected: 'a file with several weights, for --key', got: '--key model' },
    hint: 'Omit --key: the file has the weights of one network.',
  });
});

test.each([
  [1, '; convert refuses them'],
  [2, ', and 1 more tensor; convert refuses them'],
  [3, ', and 2 more tensors; convert refuses them'],
])('inspect names the first of %d tensors with NaN', async (count, rest) => {
  const state = new Map(drawnState(config));
  const damaged = [...state].slice(0, count);
  for (const [name, { data, shape }] of damaged) state.set(name, { data: data.map(() => NaN), shape });
  const file = path(`${count}.safetensors`);
  await writeFile(file, encodeSafetensors(state));
  await writeFile(path('network.json'), JSON.stringify({ strides: [2, 1] }));
  const text = await printed(inspectCommand(), file, '-c', path('network.json'));
  const [[first]] = damaged;
  expect(text.split('\n').find((line) => line.startsWith('invalid '))).toBe(
    `invalid     ${file}: ${first}: expected finite weights, got NaN at element 0${rest}`,
  );
});

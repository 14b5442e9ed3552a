/** Processes that fetch official weights: killed in the middle, two at once, on a full disk, without a network. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { setTimeout } from 'node:timers/promises';
import { resolveConfig } from '../../src/core/config.js';
import { parameterShapes } from '../../src/core/parameters.js';
import { sizeOf, type Tensor } from '../../src/core/tensor.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { posixTest } from '../platform.js';
import { outcomeOf, PATIENCE, start, type Limits, type Outcome } from './commandLine.js';
import { releaseServer, sendFile, type Handler, type ReleaseServer } from './releaseServer.js';

const path = temporaryFolder();
const OFFICIAL = fileURLToPath(new URL('../formats/fixtures/network/official.pth', import.meta.url));
const IMAGE = fileURLToPath(new URL('../../examples/chelsea.png', import.meta.url));
const FILE = 'vanillanet_5.pth';

const onPosix = posixTest('sh');
let content: Uint8Array;
let server: ReleaseServer;
let handler: Handler;
let folders = 0;
const cache = (...names: string[]): string => path(`cache${folders}`, ...names);

beforeAll(async () => {
  content = await readFile(OFFICIAL);
  server = await releaseServer(() => handler);
  await writeFile(path('small.json'), JSON.stringify({ strides: [2, 1], input_size: 32 }));
});
beforeEach(() => {
  folders++;
  server.requests.length = 0;
});
afterAll(() => {
  server.close();
});

/** Starts `classify` with weights by name. */
function classify(base = server.url, limits: Limits = {}, name = 'vanillanet_5') {
  const variables = { VANILLANET_CACHE: cache(), VANILLANET_WEIGHTS_URL: base };
  const before = Object.keys(variables).map((key) => [key, process.env[key]] as const);
  Object.assign(process.env, variables);
  const child = start(['classify', IMAGE, '-w', name, '-c', 'small.json', '--json', '--threads', '1'], path(), limits);
  for (const [key, value] of before) {
    if (value === undefined) Reflect.deleteProperty(process.env, key);
    else process.env[key] = value;
  }
  return child;
}

function expectAnswer({ status, stdout }: Outcome): void {
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject([{ predictions: [{ probability: expect.any(Number) }, {}, {}] }]);
}

const expectWhole = async (): Promise<void> => {
  expect(await readFile(cache(FILE))).toEqual(content);
  expect((await readdir(cache())).sort()).toEqual([FILE, `${FILE}.json`]);
};

/** Waits until a part of a size is on the disk. */
async function partOf(size: number): Promise<void> {
  while ((await stat(cache(`${FILE}.part`)).catch(() => null))?.size !== size) await setTimeout(20);
}

onPosix(
  'a process that is killed in the middle leaves a part, which the next one resumes',
  async () => {
    handler = sendFile(content, { count: 9000, hangs: true });
    const child = classify();
    await partOf(9000);
    child.kill('SIGKILL');
    await once(child, 'close');
    handler = sendFile(content);
    expectAnswer(await outcomeOf(classify()));
    expect(server.requests.map(({ from }) => from)).toEqual([0, 9000]);
    await expectWhole();
  },
  PATIENCE,
);

test(
  'two processes fetch the file once',
  async () => {
    handler = (request, response) =>
      void setTimeout(500).then(() => {
        sendFile(content)(request, response);
      });
    const outcomes = await Promise.all([outcomeOf(classify()), outcomeOf(classify())]);
    outcomes.forEach(expectAnswer);
    expect(server.requests).toHaveLength(1);
    await expectWhole();
  },
  PATIENCE,
);

onPosix(
  'a full disk is said, and the part resumed when there is space',
  async () => {
    handler = sendFile(content);
    const { status, stderr } = await outcomeOf(classify(server.url, { fileSize: 16 }));
    expect([status, stderr]).toEqual([1, expect.stringContaining('it resumes after the bytes that are there')]);
    expect((await stat(cache(`${FILE}.part`))).size).toBe(16 * 1024);
    expectAnswer(await outcomeOf(classify()));
    expect(server.requests.map(({ from }) => from)).toEqual([0, 16 * 1024]);
    await expectWhole();
  },
  PATIENCE,
);

test(
  'without a network, the file can be put there by hand',
  async () => {
    const gone = await releaseServer(() => handler);
    gone.close();
    const base = gone.url;
    const { status, stdout, stderr } = await outcomeOf(classify(base));
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('got a refused connection\n');
    expect(stderr).toContain(
      `hint: Run the same command again. By hand: download ${base}/${FILE}, and save it as ${cache(FILE)}.\n`,
    );
    await writeFile(cache(FILE), content);
    expectAnswer(await outcomeOf(classify(base)));
    await expectWhole();
  },
  PATIENCE,
);

test(
  'weights of another variant are refused, and removed',
  async () => {
    const config = resolveConfig({ variant: 'vanillanet_5', form: 'deploy' });
    const state = new Map<string, Tensor>();
    for (const [name, shape] of parameterShapes(config)) {
      state.set(name, { data: new Float32Array(sizeOf(shape)), shape });
    }
    handler = sendFile(encodeSafetensors(state));
    const { status, stderr } = await outcomeOf(classify(server.url, {}, 'vanillanet_6'));
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining('weights of vanillanet_6, got those of vanillanet_5'),
    ]);
    expect(await readdir(cache())).toEqual([]);
  },
  PATIENCE,
);

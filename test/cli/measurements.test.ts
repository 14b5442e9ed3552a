/** What `bench` and `plan` compute from times, with a clock of known steps. */
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { benchCommand, type BenchReport } from '../../src/cli/bench.js';
import { cpuTime } from '../../src/cli/cpuTime.js';
import { randomWeights } from '../../src/cli/randomWeights.js';
import { resolveConfig } from '../../src/core/config.js';
import { Model } from '../../src/model/model.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();
const SMALL = { dims: [2, 3], strides: [2], num_classes: 3, input_size: 8, act_num: 0 };
/** The stem with 2x2 outputs and its activation, the stage with its activation after pooling, the classifier. */
const MACS = 48 * 2 * 4 + 2 * 4 + 2 * 3 * 4 + 3 + 3 * 3;

beforeAll(() => writeFile(path('small.json'), JSON.stringify(SMALL)));
afterEach(() => {
  jest.restoreAllMocks();
});

/** Makes the clock advance by the given milliseconds in each call of a network, and in no other way. */
function passes(milliseconds: readonly number[]): Float32Array[] {
  let now = 0;
  const inputs: Float32Array[] = [];
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  jest.spyOn(Model.prototype, 'forward').mockImplementation((x) => {
    now += milliseconds[Math.min(inputs.length, milliseconds.length - 1)];
    inputs.push(Float32Array.from(x as Float32Array));
    return Promise.resolve(new Float32Array(3));
  });
  return inputs;
}

/** What `bench` prints. */
async function output(args: readonly string[]): Promise<string> {
  let text = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  await benchCommand().parseAsync(['-c', path('small.json'), '-b', 'reference', ...args], { from: 'user' });
  return text;
}

const kibibytes = async (): Promise<number> =>
  Number(/VmHWM:\s*(\d+)/.exec(await readFile('/proc/self/status', 'utf8'))?.[1]);

describe('bench', () => {
  /** The first logits, a warm-up of each batch size, then three runs of each in turn. */
  const TIMES = [7, 1000, 1000, ...[40, 50], ...[10, 80], ...[20, 20], 1000];

  const speed = (rate: number): unknown => expect.closeTo((MACS * rate) / 1e9, 15);

  test('reports median, minimum and speed of each batch size', async () => {
    passes(TIMES);
    const report = JSON.parse(await output(['--batch', '1,2', '-r', '3', '--json'])) as BenchReport;
    expect(report).toMatchObject({
      ...{ network: 'dims 2,3', input: [3, 8, 8], macs: MACS, backend: 'reference', build: 'float64' },
      rows: [
        { threads: 1, batch: 1, minMs: 10, medianMs: 20, imagesPerSecond: 50, gmacPerSecond: speed(50) },
        { threads: 1, batch: 2, minMs: 20, medianMs: 50, imagesPerSecond: 40, gmacPerSecond: speed(40) },
      ],
      machine: { node: process.versions.node },
      firstLogitsMs: 7,
    });
  });

  test('reports the peak memory of the process', async () => {
    passes(TIMES);
    const before = await kibibytes();
    const { peakRssMiB } = JSON.parse(await output(['-r', '1', '--json'])) as BenchReport;
    if (process.platform !== 'linux') return;
    expect(peakRssMiB).toBeGreaterThanOrEqual(before / 1024);
    expect(peakRssMiB).toBeLessThanOrEqual((await kibibytes()) / 1024);
  });

  test('prints the network, the machine and a table', async () => {
    passes(TIMES);
    const [network, machine, first, empty, head, ...rows] = (await output(['--batch', '1,2,1', '-r', '3'])).split('\n');
    expect(network).toBe(`dims 2,3, [3,8,8], ${(MACS / 1e9).toPrecision(3)} GMAC, reference`);
    expect(machine).toMatch(/, \d+ cores, Node \d+\.\d+\.\d+, load \d+\.\d$/);
    expect(first).toMatch(/^first logits 7 ms after the start of the process, peak memory \d+ MiB$/);
    expect(empty).toBe('');
    expect(head.trim().split(/ {2,}/)).toEqual(['threads', 'batch', 'median ms', 'min ms', 'images/s', 'GMAC/s']);
    expect(rows.filter((row) => row !== '').map((row) => row.trim().split(/ +/))).toEqual([
      ['1', '1', '20', '10', '50', '0'],
      ['1', '2', '50', '20', '40', '0'],
    ]);
  });
});

describe('the CPU time of an image', () => {
  const config = resolveConfig({ ...SMALL, form: 'deploy' });

  /** User time rises by a millisecond with each run; system time is half a millisecond. */
  async function measured(milliseconds: number) {
    const model = await Model.load(randomWeights(config), config, referenceBackend);
    const inputs = passes([milliseconds]);
    let runs = 0;
    jest.spyOn(process, 'cpuUsage').mockImplementation((before) => {
      if (before === undefined) return { user: 0, system: 0 };
      return { user: 1000 * ++runs, system: 500 };
    });
    return { result: await cpuTime(model), inputs };
  }

  test.each([
    // Three runs of warm-up, then five that count: the sixth of all is the median.
    [200, 8, 6.5],
    // Ten of each.
    [50, 20, 16],
    [500, 6, 4.5],
    [499, 7, 5.5],
  ])('is the median of the runs after the warm-up: %d ms each', async (milliseconds, runs, median) => {
    const { result, inputs } = await measured(milliseconds);
    expect([inputs.length, result]).toEqual([runs, median]);
  });

  test('is of an image of random values', async () => {
    const { inputs } = await measured(500);
    const [values] = inputs.map((x) => [...x]);
    expect(values).toHaveLength(192);
    expect(values.filter((value) => value < -2 || value > 2)).toEqual([]);
    expect([Math.min(...values) < -1, Math.max(...values) > 1]).toEqual([true, true]);
  });
});

/** What `bench` runs and prints, in process and with a clock that only its runs move. */
import { afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { platform } from '#runtime';
import { benchCommand, type BenchReport } from '../../src/cli/bench.js';
import { WeightsError } from '../../src/core/errors.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { Model } from '../../src/model/model.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';

const path = temporaryFolder();
/** Milliseconds from the start of the process to that of a test. */
const START = 5000;

interface Run {
  readonly x: Float32Array;
  readonly n: number;
}
let runs: Run[] = [];
let output = { stdout: '', stderr: '' };

beforeAll(async () => {
  const config = drawnConfig('deploy', { input_size: [8, 8] });
  await writeWeights(path('small.safetensors'), drawnState(config), config);
  const small = { dims: [2, 3], strides: [1], act_num: 1, num_classes: 3, input_size: 8 };
  await writeFile(path('small.json'), JSON.stringify(small));
});
beforeEach(() => {
  runs = [];
  output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    jest.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      output[stream] += String(chunk);
      return true;
    });
  }
  let now = START;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  // Each run takes 100 ms an image, and one more than the run before it.
  jest.spyOn(Model.prototype, 'forward').mockImplementation((x, n) => {
    const images = typeof n === 'number' ? n : 1;
    now += 100 * images + runs.length;
    runs.push({ x: x as Float32Array, n: images });
    return Promise.resolve(new Float32Array(3 * images));
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

const bench = (...args: string[]) => benchCommand().exitOverride().parseAsync(args, { from: 'user' });

async function report(...args: string[]): Promise<BenchReport> {
  await bench(...args, '--json');
  return JSON.parse(output.stdout) as BenchReport;
}

const small = (...args: string[]): string[] => ['-c', path('small.json'), '-b', 'reference', ...args];

describe('the runs', () => {
  test('are one of an image, those of a second that warm up, one of each other batch size, then those that are timed in turn', async () => {
    const { firstLogitsMs, rows } = await report(...small('--batch', '3,1', '-r', '2'));
    expect(runs.map(({ n }) => n)).toEqual([1, ...[3, 3, 3, 3], 1, ...[3, 1, 3, 1]]);
    expect(runs.map(({ x }) => x.length)).toEqual(runs.map(({ n }) => n * 3 * 8 * 8));
    expect(firstLogitsMs).toBe(START + 100);
    // The stem, the layer of the stage, each with its activation, and the classifier.
    const macs = (48 * 2 + 9 * 2) * 4 + (2 * 3 + 9 * 3) * 4 + 3 * 3;
    expect(rows).toEqual(
      [
        { batch: 3, minMs: 306, medianMs: 307 },
        { batch: 1, minMs: 107, medianMs: 108 },
      ].map(({ batch, minMs, medianMs }) => {
        const imagesPerSecond = (1000 * batch) / medianMs;
        const gmacPerSecond = expect.closeTo((imagesPerSecond * macs) / 1e9, 12);
        return { ...{ threads: 1, batch, minMs, medianMs, imagesPerSecond }, gmacPerSecond };
      }),
    );
  });

  test('have values uniform in [-2, 2)', async () => {
    await report(...small('--batch', '30', '-r', '1'));
    const x = [...runs[1].x];
    expect(x).toHaveLength(30 * 192);
    expect(Math.min(...x)).toBeGreaterThanOrEqual(-2);
    expect(Math.min(...x)).toBeLessThan(-1.99);
    expect(Math.max(...x)).toBeLessThan(2);
    expect(Math.max(...x)).toBeGreaterThan(1.99);
    // Six standard errors of 4099 values.
    expect(Math.abs(x.reduce((sum, v) => sum + v, 0) / x.length)).toBeLessThan(0.11);
  });
});

describe('the network', () => {
  test('is that of the weights, on the backend of --backend', async () => {
    const answer = await report('-w', path('small.safetensors'), '-b', 'reference', '-r', '1');
    expect(answer).toMatchObject({ network: 'dims 4,6,8', input: [3, 8, 8], backend: 'reference', build: 'float64' });
  });

  test('must be that of --config, too', async () => {
    await expect(bench('-w', path('small.safetensors'), ...small())).rejects.toThrow(
      refusal(WeightsError, path('small.safetensors'), 'dims [2,3]', 'dims [4,6,8]'),
    );
  });
});

describe('the numbers of threads', () => {
  beforeEach(() => {
    jest.spyOn(platform, 'parallelism').mockReturnValue(1);
  });

  test('are those of the list that the machine runs at the same time', async () => {
    const answer = await report('-c', path('small.json'), '--build', 'plain', '--threads', '2,1', '-r', '1');
    expect(output.stderr).toBe('--threads 2: using one, which is what this machine runs at the same time\n');
    expect(answer).toMatchObject({ backend: 'wasm', build: 'plain', rows: [{ threads: 1, batch: 1 }] });
    expect(answer.rows).toHaveLength(1);
  });

  test('are not those of other backends', async () => {
    const { rows } = await report(...small('--threads', '2', '-r', '1'));
    expect([rows.length, rows[0].threads, output.stderr]).toEqual([1, 1, '']);
  });
});

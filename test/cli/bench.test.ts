import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { benchCommand, type BenchReport } from '../../src/cli/bench.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { PATIENCE, vanillanet } from './commandLine.js';
import { printedBy } from './pets.js';

const path = temporaryFolder();
const SMALL = { dims: [4, 8], strides: [2], num_classes: 3, input_size: 16, act_num: 1 };

/** How much faster the clock runs: the warm-up lasts a second by it. */
const FASTER = 10;

beforeAll(() => writeFile(path('small.json'), JSON.stringify(SMALL)));

test(
  'times every batch size with every number of threads',
  async () => {
    const args = ['bench', '--config', 'small.json', '--threads', '1,2', '--batch', '1,3', '--runs', '2'];
    const preload = `const now = performance.now.bind(performance); performance.now = () => ${FASTER} * now();`;
    // A busy machine may lose a thread, which stderr says.
    const { status, stdout } = await vanillanet([...args, '--json'], path(), { preload });
    expect(status).toBe(0);
    const report = JSON.parse(stdout) as BenchReport;
    // The stem: 48 weights, 4 channels, 4x4 outputs. Then the layers of the stage, and the classifier, 8 to 3.
    const macs = 48 * 4 * 16 + 9 * 4 * 16 + 4 * 8 * 16 + 9 * 8 * 4 + 3 * 8;
    expect(report).toMatchObject({ network: 'dims 4,8', input: [3, 16, 16], macs });
    expect(report.rows.map(({ batch }) => batch)).toEqual([1, 3, 1, 3]);
    expect(report.rows.slice(0, 2).map(({ threads }) => threads)).toEqual([1, 1]);
    expect(report.rows.slice(2).map(({ threads }) => threads)).toEqual([2, 2]);
    for (const { batch, minMs, medianMs, imagesPerSecond, gmacPerSecond } of report.rows) {
      expect(minMs).toBeGreaterThan(0);
      expect(medianMs).toBeGreaterThanOrEqual(minMs);
      expect(imagesPerSecond).toBeCloseTo((1000 * batch) / medianMs, 6);
      expect(gmacPerSecond).toBeCloseTo((macs * imagesPerSecond) / 1e9, 6);
    }
    expect(report.firstLogitsMs).toBeGreaterThan(0);
    expect(report.peakRssMiB).toBeGreaterThan(10);
  },
  PATIENCE,
);

describe('in this process', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test('prints a table', async () => {
    const now = performance.now.bind(performance);
    jest.spyOn(performance, 'now').mockImplementation(() => FASTER * now());
    const args = ['-c', path('small.json'), '--threads', '1', '--build', 'plain', '-r', '1'];
    const text = await printedBy(benchCommand(), args);
    expect(text).toMatch(/^dims 4,8, \[3,16,16\], \S+ GMAC, plain build\n/);
    expect(text).toMatch(/first logits \d+ ms after the start of the process, peak memory \d+ MiB\n/);
    expect(text).toContain('threads  batch  median ms  min ms  images/s  GMAC/s');
  });

  test.each([
    [['vanillanet_5', '-c', 'small.json'], { name: 'ParamError', expected: 'a variant, --weights or --config' }],
    [['-w', 'absent.safetensors'], { name: 'WeightsError', got: 'no such file or folder' }],
  ])('refuses %j', async (args, error) => {
    await expect(printedBy(benchCommand(), args)).rejects.toMatchObject(error);
  });
});

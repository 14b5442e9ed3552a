import { beforeAll, describe, expect, test } from '@jest/globals';
import { requireVerified, verifyConversion, type Verified } from '../../src/cli/verifyConversion.js';
import { WeightsError } from '../../src/core/errors.js';
import type { ModelConfig } from '../../src/core/config.js';
import { importWeights } from '../../src/formats/importWeights.js';
import { writeWeights } from '../../src/io/weightsFile.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';

const path = temporaryFolder();
const config = drawnConfig('deploy');

const write = (name: string, other: ModelConfig): Promise<void> =>
  writeWeights(path(name), drawnState(other), other, { dtype: 'float64' });

async function verify(other: string): Promise<Verified> {
  const weights = await importWeights(path('net.safetensors'));
  try {
    return await verifyConversion(weights, path(other), {});
  } finally {
    await weights.close();
  }
}

beforeAll(() => write('net.safetensors', config));

describe('verifyConversion', () => {
  test('accepts the same network', async () => {
    const { changed, runs } = await verify('net.safetensors');
    expect([changed, runs.map(({ engine, holds }) => [engine, holds])]).toEqual([
      0,
      [
        ['float64', true],
        ['WebAssembly, float32', true],
      ],
    ]);
  });

  test('refuses a file with another network', async () => {
    await write('strides.safetensors', drawnConfig('deploy', { strides: [1, 2] }));
    const verified = verify('strides.safetensors');
    await expect(verified).rejects.toThrow(refusal(WeightsError, 'strides', 'strides [2,1], as written', '[1,2]'));
  });
});

describe('requireVerified', () => {
  const run = { engine: 'float64', maxDifference: 0.5, tolerance: 'bound', bound: 0.25, holds: true } as const;
  const verified: Verified = { images: [2, 3, 32, 32], changed: 1, maxLogit: 1, runs: [run] };

  test('accepts runs that hold', () => {
    expect(() => {
      requireVerified(verified, 'out.pth');
    }).not.toThrow();
  });

  test('refuses a run that does not', () => {
    expect(() => {
      requireVerified({ ...verified, runs: [run, { ...run, engine: 'other', holds: false }] }, 'out.pth');
    }).toThrow(refusal(WeightsError, 'out.pth', 'differ from those of the input by at most 0.250', '0.500 in other'));
  });
});

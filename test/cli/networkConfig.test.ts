/** The network that the command line names, and the JSON files that describe one. */
import { describe, expect, test } from '@jest/globals';
import { truncate, writeFile } from 'node:fs/promises';
import { readJsonObject } from '../../src/cli/jsonFile.js';
import { networkConfig } from '../../src/cli/networkConfig.js';
import { ParamError } from '../../src/core/errors.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();

describe('the network', () => {
  test('is that of --config, which may describe --weights', async () => {
    await writeFile(path('net.json'), '{ "dims": [4, 8] }');
    const config = path('net.json');
    expect(await networkConfig('plan', undefined, { config })).toEqual({ dims: [4, 8] });
    expect(await networkConfig('plan', undefined, { weights: 'w.safetensors', config })).toEqual({ dims: [4, 8] });
  });

  test('is that of a variant, vanillanet_5 by default', async () => {
    expect(await networkConfig('plan', 'vanillanet_6', {})).toEqual({ variant: 'vanillanet_6' });
    expect(await networkConfig('plan', undefined, {})).toEqual({ variant: 'vanillanet_5' });
  });

  test('is one', async () => {
    await expect(networkConfig('plan', 'vanillanet_6', { weights: 'w', config: 'c' })).rejects.toThrow(
      refusal(ParamError, 'plan', 'a variant, --weights or --config', 'vanillanet_6 and w and c'),
    );
  });
});

test('a JSON file of more than 16 MiB is not read', async () => {
  await writeFile(path('large.json'), '{'.padEnd(2 ** 16));
  await truncate(path('large.json'), 2 ** 24 + 1);
  await expect(readJsonObject(path('large.json'))).rejects.toThrow(
    refusal(ParamError, path('large.json'), 'a file of at most 16777216 bytes', '16777217 bytes'),
  );
});

test('a JSON file that is another one is named by what it is', async () => {
  await writeFile(path('picture.json'), Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13));
  await expect(readJsonObject(path('picture.json'))).rejects.toMatchObject({
    ...{ name: 'ParamError', op: path('picture.json'), expected: 'a JSON object', got: expect.stringMatching(/PNG/) },
    hint: 'Pass a JSON file, such as the config.json of a run; weights are passed by --weights.',
  });
  await writeFile(path('weights.json'), encodeSafetensors(new Map()));
  await expect(readJsonObject(path('weights.json'))).rejects.toMatchObject({ expected: 'a JSON object' });
});

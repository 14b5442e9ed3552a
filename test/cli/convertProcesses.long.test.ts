/** `inspect` and `convert` in processes of their own: pipes, and a full disk. */
import { beforeAll, describe, expect } from '@jest/globals';
import { execFile } from 'node:child_process';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { readWeights, writeWeights } from '../../src/io/weightsFile.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { drawnConfig, drawnState } from '../model/drawnNetwork.js';
import { posixTest } from '../platform.js';
import { vanillanet } from './commandLine.js';

const path = temporaryFolder();

beforeAll(async () => {
  for (const file of ['official.pth', 'state.pth']) {
    await copyFile(fileURLToPath(new URL(`../formats/fixtures/network/${file}`, import.meta.url)), path(file));
  }
});

describe('pipes', () => {
  const MAIN = fileURLToPath(new URL('../../dist/node/cli.js', import.meta.url));
  const piped = promisify(execFile);
  const answer = async (file: string, ...args: string[]): Promise<string> => {
    const command = `cat "${file}" | "${process.execPath}" "${MAIN}" ${args.join(' ')} 2>&1; true`;
    return (await piped('sh', ['-c', command], { cwd: path() })).stdout;
  };

  posixTest('sh')('have weights of any format', async () => {
    expect(await answer('state.pth', 'inspect', '-')).toMatch(
      /^file {8}-: PyTorch checkpoint \(legacy format\)\nweights {5}the only ones in the file\n/,
    );
    const config = drawnConfig('deploy');
    await writeWeights(path('piped.safetensors'), drawnState(config), config);
    expect(await answer('piped.safetensors', 'pack', '-', 'packed.safetensors', '-d', 'f16')).toContain('logits ');
    expect((await readWeights(path('packed.safetensors'))).config.dims).toEqual(config.dims);
    await writeFile(path('cut.safetensors'), (await readFile(path('piped.safetensors'))).subarray(0, -10));
    expect(await answer('cut.safetensors', 'pack', '-', 'cut2.safetensors', '-d', 'f16')).toMatch(
      /^WeightsError: \/dev\/stdin: expected \d+ bytes of data, got/,
    );
  });
});

describe('convert', () => {
  posixTest('sh')('a full disk leaves no file', async () => {
    const before = await readdir(path());
    for (const output of ['new.safetensors', 'new.pth', 'new.pdparams', 'new.onnx']) {
      const { status, stderr } = await vanillanet(['convert', 'official.pth', output], path(), { fileSize: 4 });
      expect([status, stderr]).toEqual([1, expect.stringContaining(`${output}: expected a file to write`)]);
      expect(await readdir(path())).toEqual(before);
    }
  });
});

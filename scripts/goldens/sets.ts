/** The sets of recorded values, and how each is computed anew. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ScriptError } from '../scriptError.js';
import { writeVectors } from '../../conformance/generate/main.js';
import {
  readAugmentEntries,
  readConformanceEntries,
  readEntries,
  readImageEntries,
  readReferenceEntries,
  type Entries,
} from './entries.js';

export interface GoldenSet {
  /** The folder in the repository. */
  readonly folder: string;
  /** Reads the values in the folder, or in a copy of it. */
  readonly read: (folder: string) => Promise<Entries>;
  /** Computes all files of the set into an empty folder. @throws ScriptError */
  readonly generate: (into: string, python: string) => Promise<void>;
}

function runGenerator(program: string, parameters: readonly string[], hint: string, env = process.env): void {
  const { error, status, stdout, stderr } = spawnSync(program, parameters, { encoding: 'utf8', env });
  if (error === undefined && status === 0) return;
  const [lastLine] = `${stdout}${stderr}`.trim().split('\n').slice(-1);
  const got = error?.message ?? lastLine;
  throw new ScriptError({ op: [program, ...parameters].join(' '), expected: 'to succeed', got, hint });
}

/** A set whose generate.py writes beside itself: a copy of it writes elsewhere, and has the same hash. */
function pythonSet(folder: string, read: GoldenSet['read'], inputs: readonly string[] = []): GoldenSet {
  return {
    folder,
    read,
    async generate(into, python) {
      for (const name of ['generate.py', ...inputs]) await copyFile(join(folder, name), join(into, name));
      const hint = `Name a Python with the packages of ${folder} by --python or VANILLANET_PYTHON.`;
      runGenerator(python, ['-B', join(into, 'generate.py')], hint);
    },
  };
}

const DIGEST_TEST = 'test/wasm/training/digest.test.ts';

export const GOLDEN_SETS: Readonly<Record<string, GoldenSet>> = {
  digests: {
    folder: 'test/wasm/training',
    read: (folder) => readEntries(join(folder, 'digests.json')),
    generate(into) {
      const file = join(into, 'digests.json');
      const jest = ['--experimental-vm-modules', '--no-warnings=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
      try {
        const hint = `Run it by itself: npm test -- ${DIGEST_TEST}.`;
        runGenerator(process.execPath, [...jest, DIGEST_TEST], hint, { ...process.env, VANILLANET_DIGESTS: file });
      } catch (error) {
        // The test fails if the digests differ, but has written them before.
        if (!existsSync(file)) throw error;
      }
      return Promise.resolve();
    },
  },
  reference: pythonSet('test/reference/golden', readReferenceEntries, ['official-plain.json']),
  image: pythonSet('test/image', readImageEntries),
  augment: pythonSet('test/data/augment', readAugmentEntries),
  conformance: { folder: 'conformance/vectors', read: readConformanceEntries, generate: writeVectors },
};

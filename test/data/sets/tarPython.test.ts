/** Archives of Python's tarfile, GNU tar and bsdtar in every format, read as tarfile reads them. */
import { expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openArchive } from '../../../src/data/sets/archive.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';

const python = process.env.VANILLANET_PYTHON;
const SCRIPT = fileURLToPath(new URL('tars.py', import.meta.url));
const path = temporaryFolder();

interface Expectation {
  readonly files: Readonly<Record<string, string | null>>;
  readonly folders: readonly string[];
}

const title = python === undefined ? 'archives of tarfile: VANILLANET_PYTHON is not set' : 'archives of tarfile';
(python === undefined ? test.skip : test)(title, async () => {
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  await promisify(execFile)(python ?? '', [SCRIPT, path(), '5'], { env });
  const archives = JSON.parse(await readFile(path('expected.json'), 'utf8')) as Record<string, Expectation>;
  expect(Object.keys(archives).length).toBeGreaterThanOrEqual(9);
  for (const [name, { files, folders }] of Object.entries(archives)) {
    const archive = await openArchive(path(name));
    const listed = archive.names.filter((one) => !one.endsWith('/'));
    const expected = Object.entries(files).map(([file, sha256]) => [posix.normalize(file), sha256] as const);
    expect([name, new Set(listed)]).toEqual([name, new Set(expected.map(([file]) => file))]);
    expect(archive.names).toEqual(expect.arrayContaining(folders.map((folder) => `${folder}/`)));
    for (const [file, sha256] of expected) {
      if (sha256 === null) await expect(archive.read(file)).rejects.toThrow('a link to a file of the archive');
      else
        expect(
          createHash('sha256')
            .update(await archive.read(file))
            .digest('hex'),
        ).toBe(sha256);
    }
  }
});

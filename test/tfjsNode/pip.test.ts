/** Downloads with a stub of pip, a shell script. */
import { afterAll, expect } from '@jest/globals';
import { join } from 'node:path';
import { downloadWheels } from '../../scripts/tfjsNode/pip.js';
import { posixTest } from '../platform.js';
import { program, removeScratch, scratch } from './scratch.js';

const shTest = posixTest('sh');

afterAll(removeScratch);

const NONE = 'echo "ERROR: No matching distribution found for tensorflow-cpu==2.21.0" >&2; exit 1';

/** Downloads with a stub. @returns the names of the files */
async function download(script: string): Promise<string[]> {
  const folder = scratch();
  const python = program(join(folder, 'python3'), `cd "${folder}"\n${script}`);
  return (await downloadWheels(python, ['tensorflow-cpu==2.21.0'], folder)).map((path) =>
    path.slice(folder.length + 1),
  );
}

shTest('a downloaded wheel is found', async () => {
  expect(await download('touch one.whl')).toEqual(['one.whl']);
});

shTest('without a wheel for this Python, that of another is downloaded', async () => {
  expect(await download(`case "$*" in *--python-version=3.12*) touch other.whl;; *) ${NONE};; esac`)).toEqual([
    'other.whl',
  ]);
});

shTest('a missing wheel and an unreachable index are reported', async () => {
  const got = 'ERROR: No matching distribution found for tensorflow-cpu==2.21.0';
  await expect(download(NONE)).rejects.toMatchObject({ op: 'pip download', got });
  const warning = 'echo "WARNING: Retrying after NewConnectionError"';
  await expect(download(`${warning}; ${NONE}`)).rejects.toMatchObject({ got: `${got} (an index is out of reach)` });
});

/** As judgedFiles.test.ts, with files that are written now, if there is a Python with the framework. */
import { beforeAll, describe } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { hasPackage } from './hasPackage.js';
import { fixture, judgePaddle, judgeTorch } from './judgeFiles.js';

const python = process.env.VANILLANET_PYTHON;
const path = temporaryFolder();

/** Describes files that are written now, if there is a Python with the framework. */
function describeWritten(framework: 'torch' | 'paddle', define: (folder: () => string) => void): void {
  const title = `${framework}: new files`;
  if (python === undefined || !hasPackage(python, framework)) {
    describe.skip(`${title}: VANILLANET_PYTHON names no Python with ${framework}`, () => {
      define(() => '');
    });
    return;
  }
  describe(title, () => {
    beforeAll(async () => {
      await mkdir(path(framework));
      await promisify(execFile)(python, [fixture(`${framework}_files.py`), path(framework)]);
    });
    define(() => path(framework));
  });
}

describeWritten('torch', judgeTorch);
describeWritten('paddle', judgePaddle);

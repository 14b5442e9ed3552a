/** As judgedFiles.test.ts, with files that are written now, if there is a Python with the framework. */
import { beforeAll, describe } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { describeWith } from '../frameworks/frameworks.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { fixture, judgePaddle, judgeTorch } from './judgeFiles.js';

const path = temporaryFolder();

function judgeNewFiles(
  framework: 'PyTorch' | 'PaddlePaddle',
  name: string,
  judge: (folder: () => string) => void,
): void {
  describeWith(framework, (interpreter) => {
    describe('new files', () => {
      beforeAll(async () => {
        await mkdir(path(name));
        await promisify(execFile)(interpreter, [fixture(`${name}_files.py`), path(name)]);
      });
      judge(() => path(name));
    });
  });
}

judgeNewFiles('PyTorch', 'torch', judgeTorch);
judgeNewFiles('PaddlePaddle', 'paddle', judgePaddle);

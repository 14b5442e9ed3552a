/** As keras.long.test.ts, with files that are written now, if there is a Python with the library. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describeWith } from '../frameworks/frameworks.js';
import { temporaryFolder } from '../io/temporaryFolder.js';
import { judgeKeras, networksIn } from './judgeKeras.js';
import { fixture } from './judgeFiles.js';

const NAMES = Object.keys(networksIn(fileURLToPath(new URL('fixtures/keras', import.meta.url))));
const path = temporaryFolder();

describeWith('Keras', (interpreter) => {
  describe('new files', () => {
    beforeAll(async () => {
      await promisify(execFile)(interpreter, [fixture('keras_files.py'), path('new')], { maxBuffer: 2 ** 26 });
    });

    test('are the same networks', () => {
      expect(Object.keys(networksIn(path('new')))).toEqual(NAMES);
    });

    judgeKeras(() => path('new'), NAMES);
  });
});

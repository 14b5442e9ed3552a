/** What `train` refuses before the data are read. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdir } from 'node:fs/promises';
import { trainCommand } from '../../src/cli/train.js';
import { DataError, ParamError } from '../../src/core/errors.js';
import { refusal } from '../io/refusal.js';
import { temporaryFolder } from '../io/temporaryFolder.js';

const path = temporaryFolder();
const { VANILLANET_DATA: before } = process.env;

beforeEach(async () => {
  // A folder without a data set ends each run that gets so far.
  await mkdir(path('empty'), { recursive: true });
  process.env['VANILLANET_DATA'] = path('empty');
});

afterEach(() => {
  if (before === undefined) delete process.env['VANILLANET_DATA'];
  else process.env['VANILLANET_DATA'] = before;
});

const train = (...args: string[]) => trainCommand().exitOverride().parseAsync(args, { from: 'user' });

test('a new run looks for the default data, and needs nothing in its folder', async () => {
  await expect(train('--output', path('new'))).rejects.toThrow(
    refusal(DataError, 'VANILLANET_DATA', 'CIFAR-10 or CIFAR-100, or a folder with it', path('empty')),
  );
});

test('--accept-data is for a run that continues', async () => {
  const error = train('--output', path('new'), '--accept-data');
  await expect(error).rejects.toMatchObject({
    ...{ name: 'ParamError', op: 'accept-data', expected: '--resume', got: 'a new run' },
    hint: 'Add --resume, or omit --accept-data.',
  });
});

test('--output must agree with --resume', async () => {
  const error = train('--resume', path('run'), '--output', path('other'));
  await expect(error).rejects.toThrow(
    refusal(ParamError, '--output', `${path('run')}, as --resume has it, or none`, path('other')),
  );
});

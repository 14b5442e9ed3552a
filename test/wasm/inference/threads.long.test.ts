/** Each number of threads on each network; threads.test.ts has one number for each. */
import { platform } from '#runtime';
import { afterEach, beforeEach, jest, test } from '@jest/globals';
import { BUILDS } from '../builds.js';
import { NARROW } from '../networks.js';
import { expectSameBits } from './threadBits.js';

/** A machine with more cores than the test uses. */
beforeEach(() => {
  jest.spyOn(platform, 'parallelism').mockReturnValue(8);
});
afterEach(() => {
  jest.restoreAllMocks();
});

const CASES = BUILDS.flatMap((build) => NARROW.map((network) => ({ build, ...network })));

test.each(CASES)('$build, $label: any number of threads gives the same bits as one', async (network) => {
  await expectSameBits(network, [2, 3, 5]);
});

import { afterEach, expect, jest, test } from '@jest/globals';
import { main } from '../../src/cli/program.js';

afterEach(() => {
  jest.restoreAllMocks();
});

test('a bug of the package is thrown as it is', async () => {
  const bug = new TypeError('a bug');
  jest.spyOn(process.stdout, 'write').mockImplementation(() => {
    throw bug;
  });
  await expect(main(['node', 'vanillanet', 'summary'])).rejects.toBe(bug);
});

/** A host that is out of reach is told at once. */
import { afterEach, expect, jest, test } from '@jest/globals';
import { isElsewhere, requireReach } from '../../scripts/tfjsNode/ordinary.js';

afterEach(() => {
  jest.restoreAllMocks();
});

test('what keeps it out of reach is told', async () => {
  const cause = new Error('getaddrinfo ENOTFOUND storage.googleapis.com');
  jest.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('fetch failed', { cause }));
  await expect(requireReach()).rejects.toMatchObject({ op: 'https://storage.googleapis.com/', got: cause.message });
});

test('any answer is one', async () => {
  jest.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(null, { status: 400 }));
  await expect(requireReach()).resolves.toBeUndefined();
});

test('mirrors and proxies are for the install script to ask', () => {
  expect(isElsewhere({ TFJS_NODE_BASE_URI: 'https://mirror/' })).toBe(true);
  expect(isElsewhere({ https_proxy: 'http://proxy/' })).toBe(true);
  expect(isElsewhere({ TFJS_NODE_BASE_URI: '', HOME: '/' })).toBe(false);
});

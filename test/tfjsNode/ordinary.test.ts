/** The check that the download host is in reach. */
import { afterEach, expect, jest, test } from '@jest/globals';
import { usesMirror, requireHost } from '../../scripts/tfjsNode/ordinary.js';

afterEach(() => {
  jest.restoreAllMocks();
});

test('the cause of a network error is reported', async () => {
  const cause = new Error('getaddrinfo ENOTFOUND storage.googleapis.com');
  jest.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('fetch failed', { cause }));
  await expect(requireHost()).rejects.toMatchObject({ op: 'https://storage.googleapis.com/', got: cause.message });
});

test('any answer will do', async () => {
  jest.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(null, { status: 400 }));
  await expect(requireHost()).resolves.toBeUndefined();
});

test('mirrors and proxies are detected', () => {
  expect(usesMirror({ TFJS_NODE_BASE_URI: 'https://mirror/' })).toBe(true);
  expect(usesMirror({ https_proxy: 'http://proxy/' })).toBe(true);
  expect(usesMirror({ TFJS_NODE_BASE_URI: '', HOME: '/' })).toBe(false);
});

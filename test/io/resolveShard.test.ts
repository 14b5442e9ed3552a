import { expect, test } from '@jest/globals';
import { resolveShard } from '../../src/io/resolveShard.js';

const FILE = 'net one-00001.bin';

test.each([
  ['models/net.json', 'models/net one-00001.bin'],
  ['net.json', 'net one-00001.bin'],
  ['C:\\models\\net.json', 'C:\\models\\net one-00001.bin'],
  ['C:/models/net.json', 'C:/models/net one-00001.bin'],
  // A valid file name.
  ['what?/net.json', 'what?/net one-00001.bin'],
])('the path of a shard of %s is %s', (location, expected) => {
  expect(resolveShard(location, FILE, true)).toBe(expected);
});

test.each([
  ['https://a.org/m/net.json', 'https://a.org/m/net%20one-00001.bin'],
  ['https://a.org/m/net.json?sig=a/b#c/d', 'https://a.org/m/net%20one-00001.bin'],
  ['file:///m/net.json', 'file:///m/net%20one-00001.bin'],
])('the URL of a shard of %s is %s', (location, expected) => {
  for (const hasPaths of [true, false]) expect(resolveShard(location, FILE, hasPaths)).toBe(expected);
});

test.each([
  ['/m/net.json', '/m/net%20one-00001.bin'],
  ['/m/net.json?sig=a/b', '/m/net%20one-00001.bin'],
  ['m/net.json#a/b?c/d', 'm/net%20one-00001.bin'],
  ['net.json?v=1', 'net%20one-00001.bin'],
])('the relative URL of a shard of %s is %s', (location, expected) => {
  expect(resolveShard(location, FILE, false)).toBe(expected);
});

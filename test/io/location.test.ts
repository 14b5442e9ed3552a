/** Paths and URLs are told apart, and both are named in errors without secrets. */
import { describe, expect, test } from '@jest/globals';
import { displayName, foreignScheme, isFileUrl, isUrl, schemeHint } from '../../src/io/location.js';

test.each([
  ['http://h/net', true],
  ['HTTPS://h/net', true],
  ['data:,x', true],
  ['data:text/plain;charset=utf-8,x', true],
  ['DATA:application/octet-stream;base64,AA==', true],
  ['blob:nodedata:1', true],
  ['file:///net', true],
  ['File:net', true],
  ['http:net', false],
  ['https:/net', false],
  ['data:v0/model.safetensors', false],
  ['data:', false],
  ['data:v0/runs/one,two', false],
  ['c:\\net', false],
  ['c:/net', false],
  ['C://net', false],
  ['s3://b/net', false],
  ['./http://h', false],
  ['runs/file:1', false],
  ['my data:,x', false],
  ['', false],
])('%s is a URL: %p', (location, is) => {
  expect(isUrl(location)).toBe(is);
  expect(isFileUrl(location)).toBe(/^file/i.test(location));
});

test.each([
  ['s3://b/net', 's3:'],
  ['git+ssh://h', 'git+ssh:'],
  ['http://h', null],
  ['file://h', null],
  ['c://net', null],
  ['c:/net', null],
  ['s3:net', null],
  ['1s://b', null],
  ['a/s3://b', null],
])('the foreign scheme of %s is %p', (location, scheme) => {
  expect(foreignScheme(location)).toBe(scheme);
});

test.each(['xs3', 'xgs', 'xaz', 'xhf', 'xgithub', 'xftp', 'xhttp', 'xhttps', 'xdata'])(
  'the scheme %s is not another one that it ends with',
  (scheme) => {
    expect(schemeHint(`${scheme}://b/net`)).toMatch(new RegExp(`^${scheme}: is no scheme that can be read`));
  },
);

test.each(['net', 'a/s3://b', 'http://h', 'data:,x', 'file:x', 'c:/net', 'model:v0', ''])(
  'there is no hint for the scheme of %j',
  (location) => {
    expect(schemeHint(location)).toBeUndefined();
  },
);

test('the schemes of Azure are known', () => {
  for (const scheme of ['az', 'abfs', 'abfss', 'wasb', 'wasbs'])
    expect(schemeHint(`${scheme}://b`)).toContain('SAS token');
});

describe('the name of a location in errors', () => {
  const long = 'n'.repeat(5000);

  test.each([
    ['runs/net.safetensors', 'runs/net.safetensors'],
    ['what?.safetensors', 'what?.safetensors'],
    ['', '""'],
    ['a@b#c', 'a@b#c'],
    ['file:///a%20b?c', 'file:///a%20b?c'],
    ['https://h/net', 'https://h/net'],
    ['https://h/net?sig=1&key=2', 'https://h/net?…'],
    ['https://h/net#token', 'https://h/net'],
    ['https://h/net#a?b', 'https://h/net'],
    ['https://h/net?', 'https://h/net?…'],
    ['https://me:word@h/a@b', 'https://h/a@b'],
    ['https://h?me@b', 'https://h?…'],
    ['https://h/http://me@b/c', 'https://h/http://me@b/c'],
    [`https://h/data:,${'x'.repeat(60)}`, `https://h/data:,${'x'.repeat(60)}`],
    ['s3://key@bucket/net?x', 's3://bucket/net?…'],
    ['data:,short', 'data:,short'],
    [`data:,${'x'.repeat(34)}`, `data:,${'x'.repeat(34)}`],
    [`data:,${'x'.repeat(35)}`, `data:,${'x'.repeat(34)}…`],
    ['n'.repeat(180), 'n'.repeat(180)],
    [long, `${'n'.repeat(120)}…${'n'.repeat(60)}`],
    [`https://h/${long}`, `https://h/${'n'.repeat(110)}…${'n'.repeat(60)}`],
  ])('%s', (location, name) => {
    expect(displayName(location)).toBe(name);
  });

  test('that is a relative URL has no query', () => {
    expect(displayName('net.safetensors?token=1', false)).toBe('net.safetensors?…');
    expect(displayName('net.safetensors?token=1', true)).toBe('net.safetensors?token=1');
  });
});

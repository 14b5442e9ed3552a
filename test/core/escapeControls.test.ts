import { describe, expect, test } from '@jest/globals';
import { escapeControls, escapeJson, escapeLines } from '../../src/core/escapeControls.js';
import { escape } from '../../src/report/svg.js';

describe('escapeControls', () => {
  test.each([
    ['\0', '\\x00'],
    ['\x1b[31m', '\\x1b[31m'],
    ['\x1f', '\\x1f'],
    ['\n\t\r', '\\x0a\\x09\\x0d'],
    ['\x7f', '\\x7f'],
    ['\x80\x9b\x9f', '\\x80\\x9b\\x9f'],
    ['\u061c', '\\u061c'],
    ['\u200e\u200f', '\\u200e\\u200f'],
    ['\u2028\u2029', '\\u2028\\u2029'],
    ['\u202a\u202e', '\\u202a\\u202e'],
    ['\u2066\u2069', '\\u2066\\u2069'],
    ['a\x07b\x07', 'a\\x07b\\x07'],
    ['\ud800x\udc00', '\\ud800x\\udc00'],
  ])('%j', (text, expected) => {
    expect(escapeControls(text)).toBe(expected);
  });

  test.each([' ~', '\xa0\xff', '\u061b\u061d', '\u200d\u2010', '\u2027\u202f', '\u2065\u206a', '猫の名前 👩‍🚀 é'])(
    'leaves %j',
    (text) => {
      expect(escapeControls(text)).toBe(text);
    },
  );
});

test('escapeLines leaves line ends, but no carriage returns', () => {
  expect(escapeLines('a\r\nb\x1b\n')).toBe('a\\x0d\nb\\x1b\n');
});

test('escapeJson keeps the values and the lines', () => {
  const value = { 'a\x1b\x7f': ['\x9b\u202e', '猫\n'] };
  const json = escapeJson(JSON.stringify(value, null, 1));
  expect(json.split('\n')).toHaveLength(6);
  expect(json).toContain('"a\\u001b\\u007f"');
  expect(json).toContain('"\\u009b\\u202e"');
  expect(json).toContain('猫\\n');
  expect(JSON.parse(json)).toEqual(value);
});

test('pictures and pages have no control characters, which XML does not allow', () => {
  expect(escape('<\x1b&\u202e"')).toBe('&lt;\\x1b&amp;\\u202e&quot;');
});

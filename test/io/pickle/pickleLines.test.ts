/** The strings of pickles of protocol 0. */
import { expect, test } from '@jest/globals';
import { protocol0Bytes, protocol0Text } from '../../../src/io/pickle/pickleLines.js';

const textOf = (line: string): string | null => {
  const bytes = protocol0Bytes(line);
  return bytes === null ? null : Buffer.from(bytes).toString('latin1');
};

test.each([
  [String.raw`'\\ \' \" \n \r \t \a \b \f \v \x41\xff'`, '\\ \' " \n \r \t \x07 \b \f \v A\xff'],
  [`"it's"`, "it's"],
  [`  'a b'  `, 'a b'],
  [String.raw`'\q'`, String.raw`\q`],
  [`''`, ''],
])('bytes: %s', (line, expected) => {
  expect(textOf(line)).toBe(expected);
});

test.each([`'a"`, `a'b'`, `'b'a`, `'`, '', 'abc'])('no bytes: %j', (line) => {
  expect(protocol0Bytes(line)).toBeNull();
});

test.each([
  [String.raw`a\u00e9\u4e2d\U0001f600`, 'aé中😀'],
  [String.raw`\U0010ffff`, '\u{10ffff}'],
  [String.raw`\U00110000 \u12`, String.raw`\U00110000 \u12`],
])('text: %s', (line, expected) => {
  expect(protocol0Text(line)).toBe(expected);
});

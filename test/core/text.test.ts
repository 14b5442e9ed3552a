import { expect, test } from '@jest/globals';
import { decodeText } from '../../src/core/text.js';

const TEXT = 'Kätzchen 🐱\r\n';
const utf16 = Buffer.from(TEXT, 'utf16le');
const bigEndian = Buffer.from(utf16).swap16();

test('decodes UTF-8 and UTF-16 of both byte orders, with and without a byte order mark', () => {
  expect(decodeText(Buffer.from(TEXT))).toBe(TEXT);
  expect(decodeText(Buffer.from(`\uFEFF${TEXT}`))).toBe(TEXT);
  expect(decodeText(utf16)).toBe(TEXT);
  expect(decodeText(Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]))).toBe(TEXT);
  expect(decodeText(bigEndian)).toBe(TEXT);
  expect(decodeText(Buffer.concat([Buffer.from([0xfe, 0xff]), bigEndian]))).toBe(TEXT);
  expect(decodeText(Buffer.from('猫', 'utf8'))).toBe('猫');
  expect(decodeText(Buffer.from('\uFEFF猫', 'utf16le'))).toBe('猫');
  expect(decodeText(new Uint8Array(0))).toBe('');
  expect(decodeText(Buffer.from('a'))).toBe('a');
  expect(decodeText(Buffer.from([0, 0]))).toBe('\0\0');
});

test.each([
  ['a lone continuation byte', [0x61, 0x80]],
  ['UTF-8 that is cut', [0x61, 0xc3]],
  ['UTF-16 with an odd number of bytes', [0xff, 0xfe, 0x61]],
  ['a lone surrogate', [0xff, 0xfe, 0x00, 0xd8, 0x61, 0]],
  ['UTF-32, little endian', [0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]],
  ['UTF-32, big endian', [0, 0, 0xfe, 0xff, 0, 0, 0, 0x61]],
])('returns null for %s', (_, bytes) => {
  expect(decodeText(Uint8Array.from(bytes))).toBeNull();
});

test('does not change the bytes', () => {
  const bytes = Uint8Array.from(bigEndian);
  decodeText(bytes);
  expect([...bytes]).toEqual([...bigEndian]);
});

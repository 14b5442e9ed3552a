/** Headers that Python's tarfile reads: signed checksums, sizes in base 256, PAX records before those for all members. */
import { expect, test } from '@jest/globals';
import { readTar, type TarMember } from '../../../src/data/sets/tar.js';
import { memberBlocks, paxRecord, type Member } from './tarWriter.js';

const textOf = (members: readonly TarMember[]): [string, string][] =>
  members.map(({ name, data }) => [name, new TextDecoder().decode(data)]);
const read = async (...members: readonly Uint8Array[]): Promise<[string, string][]> =>
  textOf(await readTar(Buffer.concat([...members, new Uint8Array(1024)]), 'a.tar'));
const blocks = (member: Member): Uint8Array => memberBlocks(member);

/** The header with a checksum of signed or unsigned bytes. */
function withChecksum(member: Uint8Array, signed: boolean, difference = 0): Uint8Array {
  const header = Buffer.from(member.buffer, member.byteOffset, 512);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + (signed && byte > 127 ? byte - 256 : byte), difference);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return member;
}

function inBase256(member: Uint8Array): Uint8Array {
  const header = Buffer.from(member.buffer, member.byteOffset, 512);
  const size = parseInt(header.toString('latin1', 124, 135), 8);
  header.fill(0, 124, 136);
  header[124] = 0x80;
  header.writeUInt32BE(size, 132);
  return withChecksum(member, false);
}

const own = (): Uint8Array => blocks({ name: 'pax', type: 'x', data: paxRecord('path', 'long') });
const all = (comment = 'c'): Uint8Array => blocks({ name: 'pax', type: 'g', data: paxRecord('comment', comment) });
const file = (name: string, data: string): Uint8Array => blocks({ name, data });

test('PAX records of a member count behind which those of all are', async () => {
  const members = [
    ['long', '1'],
    ['b', '2'],
  ];
  expect(await read(own(), all(), file('a', '1'), file('b', '2'))).toEqual(members);
  expect(await read(own(), all(), all('d'.repeat(2000)), file('a', '1'), file('b', '2'))).toEqual(members);
  expect(await read(all(), own(), all(), file('a', '1'), file('b', '2'))).toEqual(members);
  // In the middle of an archive, and at its end.
  expect(await read(file('0', ''), own(), all(), file('a', '1'), all(), file('b', '2'))).toEqual([
    ['0', ''],
    ...members,
  ]);
  await expect(read(file('0', ''), own(), all())).rejects.toThrow('no member after the PAX records');
});

test('those of all members do not replace them', async () => {
  const path = blocks({ name: 'pax', type: 'g', data: paxRecord('path', 'of all') });
  expect(await read(own(), path, file('a', '1'))).toEqual([['long', '1']]);
});

test('checksums of signed bytes are right, too', async () => {
  const member = (): Uint8Array => file('é猫', 'x');
  expect(await read(withChecksum(member(), true), file('b', ''))).toEqual([
    ['é猫', 'x'],
    ['b', ''],
  ]);
  expect(await read(withChecksum(member(), false))).toEqual([['é猫', 'x']]);
  // The second byte of À is 0x80.
  expect(await read(withChecksum(file('À', 'x'), true))).toEqual([['À', 'x']]);
  for (const signed of [true, false]) {
    for (const difference of [-1, 1]) {
      await expect(read(file('a', ''), withChecksum(member(), signed, difference))).rejects.toThrow('a damaged header');
    }
  }
  const metadata = blocks({ name: 'é', type: 'x', data: paxRecord('path', 'long') });
  expect(await read(withChecksum(metadata, true), file('a', '1'))).toEqual([['long', '1']]);
});

test('sizes in base 256, also of PAX records and of folders', async () => {
  expect(await read(inBase256(own()), inBase256(file('a', 'x'.repeat(600))), file('b', '2'))).toEqual([
    ['long', 'x'.repeat(600)],
    ['b', '2'],
  ]);
  expect(await read(inBase256(all()), file('a', '1'))).toEqual([['a', '1']]);
  expect(await read(inBase256(all('c'.repeat(2000))), file('a', '1'))).toEqual([['a', '1']]);
  const folder = blocks({ name: 'd/', type: '0' });
  expect(await read(inBase256(folder), file('d/a', '1'))).toEqual([
    ['d/', ''],
    ['d/a', '1'],
  ]);
  await expect(read(inBase256(blocks({ name: 'd/', type: '0', data: 'x' })))).rejects.toThrow("does not end with '/'");
});

test('a size that is too large or negative is refused', async () => {
  for (const first of [0xff, 0x80]) {
    const member = own();
    member.fill(0xff, 124, 136);
    member[124] = first;
    await expect(read(withChecksum(member, false), file('a', ''))).rejects.toMatchObject({ name: 'DataError' });
  }
});

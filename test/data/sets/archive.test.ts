import { beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { DataError } from '../../../src/core/errors.js';
import { openArchive } from '../../../src/data/sets/archive.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';
import { tarOf } from './tarWriter.js';

const path = temporaryFolder();

const tar = tarOf({ 'set/': '', 'set/b.bin': new Uint8Array(1500).fill(7), 'set/a.txt': 'grüße' });
const names = ['set/', 'set/a.txt', 'set/b.bin'];

describe('reads the same files from', () => {
  beforeAll(async () => {
    await writeFile(path('s.tar'), tar);
    await writeFile(path('s.tar.gz'), gzipSync(tar));
    await writeFile(path('s.TGZ'), gzipSync(tar));
    await writeFile(path('gzip without a name'), gzipSync(tar));
    await mkdir(path('unpacked', 'set'), { recursive: true });
    await writeFile(path('unpacked', 'set', 'b.bin'), new Uint8Array(1500).fill(7));
    await writeFile(path('unpacked', 'set', 'a.txt'), 'grüße');
  });

  test.each(['s.tar', 's.tar.gz', 's.TGZ', 'gzip without a name', 'unpacked'])('%s', async (name) => {
    const archive = await openArchive(path(name));
    expect(archive.names).toEqual(names);
    expect([...(await archive.read('set/b.bin'))]).toEqual(Array<number>(1500).fill(7));
    expect(new TextDecoder().decode(await archive.read('set/a.txt'))).toBe('grüße');
    await expect(archive.read('set/c')).rejects.toThrow(refusal(DataError, path(name), '', 'no'));
  });

  test('names starting with ./, as `tar c .` writes them', async () => {
    await writeFile(path('dot.tar'), tarOf({ './': '', './a': 'x' }));
    expect((await openArchive(path('dot.tar'))).names).toEqual(['a']);
  });
});

test('listing a folder with a link to itself ends', async () => {
  await mkdir(path('loop', 'sub'), { recursive: true });
  // Junctions need no privileges on Windows; elsewhere the type is ignored.
  await symlink('..', path('loop', 'sub', 'up'), 'junction');
  await symlink('nowhere', path('loop', 'dangling'), 'junction');
  const { names: listing } = await openArchive(path('loop'));
  expect(listing).toContain('dangling');
  expect(listing.length).toBeLessThan(20);
});

describe('refuses', () => {
  const damaged = Uint8Array.from(tar);
  damaged[512] ^= 1;
  const zipped = gzipSync(tar);
  const corrupt = Uint8Array.from(zipped);
  corrupt[zipped.length - 6] ^= 255;
  const noSize = Uint8Array.from(tar);
  noSize.set(Buffer.from('zz'), 512 + 124);
  const long = Uint8Array.from(tar);
  long[345] = 0x61;
  long.set(
    Buffer.from(`${(Number.parseInt(Buffer.from(tar.subarray(148, 154)).toString(), 8) + 0x61).toString(8)}\0`),
    148,
  );

  const cases: [string, Uint8Array | string, string, string][] = [
    ['empty.tar', '', 'a tar archive', '0 bytes'],
    ['empty.tar.gz', '', 'gzip data', 'an empty file'],
    ['text.tar.gz', 'this is only text', 'gzip data', 'another format'],
    ['text.tar', 'this is only text'.repeat(100), 'a tar archive', 'other bytes'],
    ['short.tar', 'this is only text', 'a tar archive', '17 bytes'],
    ['plain.tar.gz', tar, 'gzip data', 'another format'],
    ['cut.tar.gz', zipped.subarray(0, -20), 'whole gzip data', 'a truncated file'],
    ['corrupt.tar.gz', corrupt, 'whole gzip data', 'incorrect data check'],
    ['cut in a file.tar', tar.subarray(0, 1500), 'a whole tar archive', 'truncated'],
    ['cut in a header.tar', tar.subarray(0, 700), 'a whole tar archive', 'truncated'],
    ['cut between files.tar', tar.subarray(0, 512), 'a whole tar archive', 'truncated'],
    ['damaged.tar', damaged, 'a tar archive', 'a damaged header at byte 512'],
    ['no size.tar', noSize, 'a tar archive', 'a damaged header at byte 512'],
    ['cut then zipped.tar.gz', gzipSync(tar.subarray(0, 1500)), 'a whole tar archive', 'truncated'],
    ['long name.tar', long, 'names of at most 100 characters', 'a longer one'],
  ];

  test.each(cases)('%s', async (name, content, expected, got) => {
    await writeFile(path(name), content);
    await expect(openArchive(path(name))).rejects.toThrow(refusal(DataError, path(name), expected, got));
  });

  test('a missing path', async () => {
    const missing = refusal(DataError, path('nowhere'), 'an archive or a folder', 'no such file or folder');
    await expect(openArchive(path('nowhere'))).rejects.toThrow(missing);
  });
});

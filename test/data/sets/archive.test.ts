import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { mkdir, readdir, rmdir, symlink, truncate, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { DataError, ParamError } from '../../../src/core/errors.js';
import { openArchive } from '../../../src/data/sets/archive.js';
import { FolderWalk } from '../../../src/data/sets/folderWalk.js';
import { unpackedLimit } from '../../../src/data/sets/gunzipArchive.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';
import { linuxTest } from '../../platform.js';
import { tarOf, tarOfMembers, type Member } from './tarWriter.js';

const path = temporaryFolder();
const home = process.cwd();
afterEach(() => {
  process.chdir(home);
  jest.restoreAllMocks();
});

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

test('a file: URL is the path of an archive', async () => {
  const archive = await openArchive(pathToFileURL(path('s.tar')).href);
  expect([archive.path, archive.names]).toEqual([path('s.tar'), names]);
});

test('a tar whose name says gzip is read', async () => {
  for (const name of ['plain.tgz', 'plain.tar.gz']) {
    await writeFile(path(name), tar);
    expect((await openArchive(path(name))).names).toEqual(names);
  }
});

test('a tar with one header of the checksum alone, or of an empty block, is read', async () => {
  const v7 = tarOfMembers([{ name: 'a', data: 'x', magic: '' }]);
  await writeFile(path('v7.tar'), v7);
  expect((await openArchive(path('v7.tar'))).names).toEqual(['a']);
  await writeFile(path('nothing.tar'), new Uint8Array(1024));
  expect((await openArchive(path('nothing.tar'))).names).toEqual([]);
  // Without the name of the format, a header is recognized by its checksum.
  v7[0] ^= 1;
  await writeFile(path('v7.tar'), v7);
  await expect(openArchive(path('v7.tar'))).rejects.toMatchObject({ expected: 'a tar archive, gzipped or not' });
});

test('links of a folder lead to files and folders; those that lead nowhere are listed as such', async () => {
  await mkdir(path('linked', 'cat', 'more'), { recursive: true });
  await writeFile(path('linked', 'cat', '1'), 'one');
  await symlink('cat', path('linked', 'dog'), 'junction');
  await symlink('../../cat', path('linked', 'cat', 'more', 'up'), 'junction');
  await symlink('gone', path('linked', 'broken'), 'junction');
  const archive = await openArchive(path('linked'));
  const { names: listing, brokenLinks } = archive;
  const all = ['broken', 'cat/', 'cat/1', 'cat/more/', 'cat/more/up', 'dog/', 'dog/1', 'dog/more/', 'dog/more/up'];
  expect(listing).toEqual(all);
  expect(Object.fromEntries(brokenLinks)).toEqual({
    broken: 'one that leads nowhere (no such file or folder)',
    'cat/more/up': 'one to a folder that it is in',
    'dog/more/up': 'one to a folder that it is in',
  });
  expect(new TextDecoder().decode(await archive.read('dog/1'))).toBe('one');
});

test('names that a link repeats are counted, and no others', async () => {
  const counted = jest.spyOn(FolderWalk.prototype, 'addRepeated');
  await mkdir(path('repeated', 'cat'), { recursive: true });
  for (const name of ['1', '2']) await writeFile(path('repeated', 'cat', name), '');
  await openArchive(path('repeated'));
  expect(counted).not.toHaveBeenCalled();
  await symlink('cat', path('repeated', 'dog'), 'junction');
  await openArchive(path('repeated'));
  // One of the two folders is entered first.
  expect(counted.mock.calls.map(([name]) => name.slice(4)).sort()).toEqual(['1', '2']);
});

test('more than 100 paths to a folder are refused', async () => {
  await mkdir(path('paths', 'a'), { recursive: true });
  for (let i = 0; i < 99; i++) await symlink('a', path('paths', `${i}`), 'junction');
  expect((await openArchive(path('paths'))).names).toHaveLength(100);
  await symlink('a', path('paths', 'z'), 'junction');
  await expect(openArchive(path('paths'))).rejects.toThrow(
    refusal(DataError, `${path('paths')}: `, 'at most 100 paths to a folder, through links', 'more'),
  );
});

linuxTest('/proc')('a name that is not in UTF-8 is refused with its bytes', async () => {
  await mkdir(path('latin', 'caf', 'd'), { recursive: true });
  // The name itself may have the character that Node puts for other bytes.
  await writeFile(path('latin', 'caf', '\ufffd'), '');
  expect((await openArchive(path('latin'))).names).toContain('caf/\ufffd');
  await writeFile(Buffer.from(path('latin', 'caf', 'd', 'caf\xe9.png'), 'latin1'), '');
  await writeFile(path('latin', 'caf', 'd', 'a.png'), '');
  const refused = openArchive(path('latin'));
  await expect(refused).rejects.toThrow(
    refusal(DataError, `${path('latin')}: caf/d/caf\\xe9.png`, 'a name in UTF-8', "'caf\\xe9.png'"),
  );
  await expect(refused).rejects.toMatchObject({
    hint: expect.stringContaining('convmv -r -f latin1 -t utf8 --notest'),
  });
});

test('a gzip file of several parts is read to its end', async () => {
  await writeFile(path('parts.tar.gz'), Buffer.concat([gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700))]));
  expect((await openArchive(path('parts.tar.gz'))).names).toEqual(names);
});

describe('a gzip file grows at most', () => {
  test.each([
    [0, 64],
    [671_088, 64],
    [671_089, 64],
    [2 ** 20, 100],
    [2 ** 24, 1600],
    [2 ** 25, 2048],
    [2 ** 31, 2048],
  ])('%i bytes to %i MiB', (size, mebibytes) => {
    expect(Math.floor(unpackedLimit(size) / 2 ** 20)).toBe(mebibytes);
  });

  test('to its limit; more is refused with the limit', async () => {
    // 70 MiB of zeros in 70 kB.
    await writeFile(path('zeros.tar.gz'), gzipSync(new Uint8Array(70 * 2 ** 20)));
    const opening = openArchive(path('zeros.tar.gz'));
    await expect(opening).rejects.toThrow(
      refusal(DataError, path('zeros.tar.gz'), 'at most 64 MiB of unpacked', 'more'),
    );
    await expect(opening).rejects.toMatchObject({ hint: expect.stringContaining('unpack it with tar') });
  });
});

test('names are sorted by code points', async () => {
  await writeFile(path('cats.tar'), tarOf({ '🐱': '1', ｶ: '2', é: '3', z: '4' }));
  expect((await openArchive(path('cats.tar'))).names).toEqual(['z', 'é', 'ｶ', '🐱']);
});

test('the names of a folder are sorted by code points', async () => {
  await mkdir(path('cats'));
  for (const name of ['b', '🐱', 'm', 'ｶ', 'a', 'z']) await writeFile(path('cats', name), '');
  expect((await openArchive(path('cats'))).names).toEqual(['a', 'b', 'm', 'z', 'ｶ', '🐱']);
});

test('a folder is sorted by whole paths, not by the names in it', async () => {
  await mkdir(path('paths sorted', 'a'), { recursive: true });
  for (const name of ['a/x', 'a-b', 'ab']) await writeFile(path('paths sorted', name), '');
  expect((await openArchive(path('paths sorted'))).names).toEqual(['a-b', 'a/', 'a/x', 'ab']);
});

linuxTest('/proc')('a folder with a path that is too long for the system is refused', async () => {
  const name = 'd'.repeat(255);
  const deep = path('long', ...Array<string>(15).fill(name));
  await mkdir(deep, { recursive: true });
  process.chdir(deep);
  await mkdir(name);
  try {
    await expect(openArchive(path('long'))).rejects.toMatchObject({
      ...{ name: 'DataError', op: path('long'), expected: 'a readable folder', got: 'a name that is too long' },
      ...{ hint: 'Check its permissions, and those of all folders in it.', cause: expect.anything() },
    });
  } finally {
    await rmdir(name);
  }
});

test('names that differ by a / are two', async () => {
  await writeFile(path('slash.tar'), tarOf({ 'a/b': '1', ab: '2' }));
  expect((await openArchive(path('slash.tar'))).names).toEqual(['a/', 'a/b', 'ab']);
});

test('a file whose name contains gz is no gzip file', async () => {
  await writeFile(path('gz.tar'), tarOf({ a: '' }));
  expect((await openArchive(path('gz.tar'))).names).toEqual(['a']);
});

test.each([
  ['1f', Uint8Array.of(0x1f, 0)],
  ['8b', Uint8Array.of(0, 0x8b)],
])('a file with only one byte of the mark of gzip, %s, is a tar', async (_, start) => {
  await writeFile(path('mark'), start);
  await expect(openArchive(path('mark'))).rejects.toThrow(refusal(DataError, path('mark'), 'a tar archive', '2 bytes'));
});

test('folders without a member of their own are listed', async () => {
  await writeFile(path('implied.tar'), tarOf({ 'a/b/c/1': '', 'a/b/2': '', 'd/': '', 'd/3': '' }));
  const { names: listing } = await openArchive(path('implied.tar'));
  expect(listing).toEqual(['a/', 'a/b/', 'a/b/2', 'a/b/c/', 'a/b/c/1', 'd/', 'd/3']);
});

describe('two names that are the same', () => {
  const [nfc, nfd] = ['caf\u00e9', 'cafe\u0301'];

  test.each<[string, Member[]]>([
    ['twice', [{ name: 'a' }, { name: 'b' }, { name: 'a' }]],
    ['with ./', [{ name: 'a' }, { name: './a' }]],
    ['with an empty part', [{ name: 'b/a' }, { name: 'b//a' }]],
    ['a file and a folder', [{ name: 'a' }, { name: 'a/', type: '5' }]],
    ['a file and a folder of a file', [{ name: 'a/b' }, { name: 'a' }]],
    ['a link and a folder of a file', [{ name: 'a', type: '2', target: 'b' }, { name: 'a/1' }, { name: 'b/2' }]],
    ['a file and a link', [{ name: 'a' }, { name: 'a', type: '1', target: 'a' }]],
    ['in NFC and NFD', [{ name: `a/${nfc}` }, { name: `a/${nfd}` }]],
    ['folders in NFC and NFD', [{ name: `${nfc}/1` }, { name: `${nfd}/2` }]],
  ])('%s, are refused in an archive', async (title, members) => {
    await writeFile(path('twice.tar'), tarOfMembers(members));
    const twice = /and a folder/.test(title) ? 'a file and a folder of this name' : 'two of this name';
    const got = /NFC/.test(title) ? "the same name in Unicode's NFC" : twice;
    const expected = 'one file or folder of each name';
    const refused = openArchive(path('twice.tar'));
    await expect(refused).rejects.toThrow(refusal(DataError, path('twice.tar'), expected, got));
    const hint = 'Rename one of them. If tar appended a file (-r or -u), pack the folder again.';
    await expect(refused).rejects.toMatchObject({ hint });
  });

  test('are refused in a folder', async () => {
    await mkdir(path('forms'));
    await writeFile(path('forms', nfc), '');
    await writeFile(path('forms', nfd), '');
    // Some file systems keep one of them only.
    if ((await readdir(path('forms'))).length < 2) return;
    await expect(openArchive(path('forms'))).rejects.toThrow(
      refusal(DataError, path('forms'), 'one file or folder of each name', 'the same name'),
    );
    await expect(openArchive(path('forms'))).rejects.toMatchObject({ hint: 'Rename one of them.' });
  });

  test('a folder may have two members', async () => {
    await writeFile(path('folders.tar'), tarOf({ 'a/': '', './a/': '', 'a/1': '' }));
    expect((await openArchive(path('folders.tar'))).names).toEqual(['a/', 'a/1']);
  });
});

test('a folder of more than 16 levels is refused', async () => {
  const deep = (levels: number): string => path(`${levels} levels`, ...Array<string>(levels).fill('d'));
  await mkdir(deep(16), { recursive: true });
  await mkdir(deep(17), { recursive: true });
  expect((await openArchive(path('16 levels'))).names).toHaveLength(16);
  await expect(openArchive(path('17 levels'))).rejects.toThrow(
    refusal(DataError, `${path('17 levels')}: d/d/`, 'at most 16 levels of folders', 'more'),
  );
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

  const cases: [string, Uint8Array | string, string, string][] = [
    ['empty.tar', '', 'a tar archive', 'an empty file'],
    ['empty.tar.gz', '', 'a tar archive', 'an empty file'],
    ['text.tar.gz', 'this is only text', 'a tar archive, gzipped or not', 'text that begins with "this is'],
    ['text.tar', 'this is only text'.repeat(100), 'a tar archive', 'text that begins with'],
    ['gzipped text.gz', gzipSync('this is only text'), 'a tar archive', 'text that begins with'],
    ['cut header.tar', tar.subarray(0, 511), 'a tar archive', 'a tar archive'],
    ['cut.tar.gz', zipped.subarray(0, -20), 'whole gzip data', 'a truncated file'],
    ['corrupt.tar.gz', corrupt, 'whole gzip data', 'incorrect data check'],
    ['cut in a file.tar', tar.subarray(0, 1500), 'a whole tar archive', 'truncated'],
    ['cut in a header.tar', tar.subarray(0, 700), 'a whole tar archive', 'truncated'],
    ['cut between files.tar', tar.subarray(0, 512), 'a whole tar archive', 'truncated'],
    ['damaged.tar', damaged, 'a tar archive', 'a damaged header at byte 512'],
    ['no size.tar', noSize, 'a tar archive', 'a damaged header at byte 512'],
    ['cut then zipped.tar.gz', gzipSync(tar.subarray(0, 1500)), 'a whole tar archive', 'truncated'],
    ['garbage.tar.gz', Buffer.concat([zipped, Buffer.from('more')]), 'whole gzip data', 'incorrect header check'],
    ['zip.tar.gz', 'PK\x03\x04 and more', 'a tar archive, gzipped or not', 'a zip archive'],
    ['bzip2.tar', 'BZh91AY', 'a tar archive, gzipped or not', 'bzip2'],
    ['xz.tar', Buffer.from('fd377a585a0000', 'hex'), 'a tar archive, gzipped or not', 'xz'],
    ['zstd.tar', Buffer.from('28b52ffd00', 'hex'), 'a tar archive, gzipped or not', 'zstd'],
    ['other.7z', Buffer.from('377abcaf271c', 'hex'), 'a tar archive, gzipped or not', 'a 7z archive'],
    ['other.rar', Buffer.from('526172211a0700', 'hex'), 'a tar archive, gzipped or not', 'a RAR archive'],
  ];

  test.each(cases)('%s', async (name, content, expected, got) => {
    await writeFile(path(name), content);
    await expect(openArchive(path(name))).rejects.toThrow(refusal(DataError, path(name), expected, got));
  });

  test('a path inside a file', async () => {
    await writeFile(path('inside'), '');
    await expect(openArchive(path('inside', 'x'))).rejects.toMatchObject({
      got: 'no such file or folder',
      hint: 'Pass cifar10, cifar100, shapes, or the path of an archive or a folder.',
    });
    await expect(openArchive(path('n'.repeat(5000)))).rejects.toMatchObject({
      got: 'a name that is too long',
      hint: 'Check the path.',
    });
  });

  test("a server's error, which may end like the name of a format", async () => {
    await writeFile(path('error.tar'), '{"error": "there is no such file as a.xz"}');
    await expect(openArchive(path('error.tar'))).rejects.toMatchObject({
      got: 'JSON: an error of a server: {"error": "there is no such file as a.xz',
      hint: 'Pass a tar archive, gzipped or not, or a folder.',
    });
  });

  test('a damaged first header, with its position', async () => {
    const bytes = Uint8Array.from(tar.subarray(0, 512));
    bytes[0] ^= 1;
    for (const more of [new Uint8Array(0), new Uint8Array(1024)]) {
      await writeFile(path('first.tar'), Buffer.concat([bytes, more]));
      await expect(openArchive(path('first.tar'))).rejects.toThrow(
        refusal(
          DataError,
          path('first.tar'),
          'a tar archive',
          'a damaged header at byte 0 (Invalid tar header checksum.)',
        ),
      );
    }
  });

  test('a missing path', async () => {
    const missing = refusal(DataError, path('nowhere'), 'an archive or a folder', 'no such file or folder');
    await expect(openArchive(path('nowhere'))).rejects.toThrow(missing);
    await expect(openArchive(path('nowhere'))).rejects.toMatchObject({
      hint: 'Pass cifar10, cifar100, shapes, or the path of an archive or a folder.',
      cause: expect.anything(),
    });
  });

  test.each<[unknown, string, string]>([
    ['https://example.com/set.tar', 'a path on this machine, or a file: URL', 'https://example.com/set.tar'],
    ['s3://bucket/set.tar', 'a path on this machine, or a file: URL', 's3://bucket/set.tar'],
    [new URL('https://example.com/set.tar'), 'a path on this machine', 'https://example.com/set.tar'],
    ['a\0b', 'a path', 'a path with a null character'],
    ['', 'a path', 'an empty path'],
    ['file:///%zz', 'a path', 'an invalid file: URL'],
    [undefined, 'a path', 'undefined'],
    [7, 'a path', '7'],
  ])('%j instead of a path', async (location, expected, got) => {
    const refused = openArchive(location as string, 'the set');
    await expect(refused).rejects.toThrow(refusal(ParamError, 'the set', expected, got));
    if (/^(https|s3)/.test(String(location))) {
      await expect(refused).rejects.toMatchObject({ hint: 'Download it first, and pass the path of the file.' });
    }
    await expect(openArchive(location as string)).rejects.toMatchObject({ op: 'data' });
  });

  linuxTest('/dev/null')('a device, whose content may never end', async () => {
    await expect(openArchive('/dev/null')).rejects.toThrow(
      refusal(DataError, '/dev/null', 'a readable file', 'a device'),
    );
  });

  test('more than 2 GiB, by the size, if the beginning is that of an archive', async () => {
    for (const [name, start] of [
      ['huge.tar', tar.subarray(0, 512)],
      ['huge.tar.gz', zipped],
    ] as const) {
      await writeFile(path(name), start);
      // Nothing is written to the disk.
      await truncate(path(name), 3 * 2 ** 30);
      const refused = openArchive(path(name));
      await expect(refused).rejects.toThrow(refusal(DataError, path(name), 'an archive of less than 2 GiB', '3.0 GiB'));
      await expect(refused).rejects.toMatchObject({ hint: 'Unpack it with tar, and pass the folder.' });
    }
    await writeFile(path('huge.png'), '\x89PNG\r\n', 'latin1');
    await truncate(path('huge.png'), 3 * 2 ** 30);
    await expect(openArchive(path('huge.png'))).rejects.toThrow(
      refusal(DataError, path('huge.png'), 'a tar archive, gzipped or not', 'a PNG image'),
    );
  });

  test.each([
    ['a.png', Buffer.from('89504e470d0a1a0a', 'hex'), 'Pass the folder that has a folder of pictures for each class.'],
    ['a.html', '<!doctype html><html>', 'A server sent a page instead of the file: check the URL.'],
    ['pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:1', 'This is a pointer, not the file'],
    ['empty', '', 'Download, copy or export the file again.'],
    ['zeros', new Uint8Array(400), 'Download, copy or export the file again.'],
    ['a.bz2', 'BZh91AY', 'Unpack it, and pass the folder.'],
    ['a.pdf', '%PDF-1.7', 'Pass a tar archive, gzipped or not, or a folder.'],
    ['archive.txt', 'archive of pictures', 'Pass a tar archive, gzipped or not, or a folder.'],
    ['XML.txt', 'XML and only zeros', 'Pass a tar archive, gzipped or not, or a folder.'],
    ['cut.gz', gzipSync(tar).subarray(0, -20), 'Download or make the archive again.'],
    ['data_batch_1', '\x80\x02}q\x01U\x0bbatch_labelq\x02', 'Pass the folder that it is in.'],
  ])('%s: the hint says what to do', async (name, content, hint) => {
    await writeFile(path(name), content, 'latin1');
    await expect(openArchive(path(name))).rejects.toMatchObject({
      expected: name === 'cut.gz' ? 'whole gzip data' : 'a tar archive, gzipped or not',
      hint: expect.stringContaining(hint),
    });
  });

  test('another kind of archive: the hint says what to do', async () => {
    await writeFile(path('other.zip'), 'PK\x03\x04');
    await expect(openArchive(path('other.zip'))).rejects.toMatchObject({ hint: 'Unpack it, and pass the folder.' });
  });
});

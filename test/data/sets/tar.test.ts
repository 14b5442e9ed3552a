import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { DataError } from '../../../src/core/errors.js';
import { FolderWalk } from '../../../src/data/sets/folderWalk.js';
import { readTar, type TarMember } from '../../../src/data/sets/tar.js';
import { TarTree } from '../../../src/data/sets/tarTree.js';
import { refusal } from '../../io/refusal.js';
import { memberBlocks, paxRecord, tarOfMembers, withPax, type Member } from './tarWriter.js';

const read = (members: readonly Member[], end?: Uint8Array): Promise<TarMember[]> =>
  readTar(tarOfMembers(members, end), 'a.tar');

/** Names and contents as text. */
const textOf = (members: readonly TarMember[]): [string, string][] =>
  members.map(({ name, data }) => [name, new TextDecoder().decode(data)]);

/** Eight lowest bytes of a binary number, as GNU tar writes those that octal digits cannot. */
const binary = (value: bigint): Uint8Array => {
  const field = Buffer.alloc(12, value < 0n ? 0xff : 0);
  field.writeBigInt64BE(value, 4);
  field[0] |= 0x80;
  return field;
};

afterEach(() => {
  jest.restoreAllMocks();
});

const LONG = `${'d'.repeat(120)}/${'é'.repeat(90)}`;

describe('names', () => {
  const next = { name: 'next', data: 'n' };

  test('of PAX, with spaces, =, line feeds and any letters', async () => {
    for (const name of ['a b=c d', 'line\nfeed', '猫 🐱=é', 'x'.repeat(300), LONG]) {
      const members = await read([...withPax({ comment: 'a=b c', path: name }, { name: 'cut', data: 'x' }), next]);
      expect(textOf(members)).toEqual([
        [name, 'x'],
        ['next', 'n'],
      ]);
    }
  });

  test('of GNU', async () => {
    const long = { name: '././@LongLink', type: 'L', data: `${LONG}\0`, magic: 'ustar  \0' };
    expect(textOf(await read([long, { name: 'cut', data: 'x', magic: 'ustar  \0' }, next]))).toEqual([
      [LONG, 'x'],
      ['next', 'n'],
    ]);
  });

  test('with a prefix, in POSIX headers alone', async () => {
    expect(textOf(await read([{ name: 'b', prefix: 'a/aa', data: 'x' }]))).toEqual([['a/aa/b', 'x']]);
    expect(textOf(await read([{ name: 'b', prefix: 'other fields', magic: 'ustar  \0' }]))).toEqual([['b', '']]);
    expect(textOf(await read([{ name: 'b', prefix: 'other fields', magic: '' }]))).toEqual([['b', '']]);
  });

  test('of 100 bytes, without a NUL', async () => {
    const name = 'n'.repeat(100);
    expect(textOf(await read([{ name, data: 'x' }]))).toEqual([[name, 'x']]);
  });

  test('lose ./ and empty parts', async () => {
    const names = ['./a', 'b//c', 'd/./e', '././f'].map((name) => ({ name }));
    expect((await read(names)).map(({ name }) => name)).toEqual(['a', 'b/c', 'd/e', 'f']);
    const folders = ['./', '.', 'a', 'b/', './c//'].map((name) => ({ name, type: '5' }));
    expect((await read(folders)).map(({ name }) => name)).toEqual(['', '', 'a/', 'b/', 'c/']);
  });

  test('of 4096 characters and 16 folders', async () => {
    for (const path of ['x'.repeat(4096), 'd/'.repeat(16) + 'x']) {
      expect((await read(withPax({ path }, { name: 'x' })))[0].name).toBe(path);
    }
  });

  test('with a / at the end are folders in old archives', async () => {
    expect(await read([{ name: 'a/', type: '\0', magic: '' }, next])).toMatchObject([
      { name: 'a/', type: 'directory' },
      { name: 'next', type: 'file' },
    ]);
  });

  test.each<[string, Member | Member[], string, string, string]>([
    ['too long', withPax({ path: 'x'.repeat(4097) }, { name: 'x' }), 'xxx', 'at most 4096 characters', '4097'],
    ['too deep', withPax({ path: 'd/'.repeat(17) + 'x' }, { name: 'x' }), 'd/d/', 'at most 16 levels', '17'],
    ['empty', { name: '' }, 'the member at byte 512', 'a name', 'an empty one'],
    ['only a dot', { name: '.' }, '.', 'the name of a file', '.'],
    ['absolute', { name: '/etc/passwd' }, '/etc/passwd', 'a relative path', 'an absolute one'],
    ['leading out', { name: '../x' }, '../x', "without '..'", '../x'],
    ['leading out and back', { name: 'a/../../x' }, 'a/../../x', "without '..'", 'a/../../x'],
    ['with .. inside', { name: 'a/../x' }, 'a/../x', "without '..'", 'a/../x'],
    ['with NUL', withPax({ path: 'a\0b' }, { name: 'x' }), 'a', 'a name without NUL', '"a\\u0000b"'],
    ['in Latin-1', { name: Buffer.from('caf\xe9', 'latin1') }, 'caf\\xe9', 'a name in UTF-8', "'caf\\xe9'"],
    [
      'of NUL to DEL',
      { name: Buffer.from('a\x01\x1f ~\x7f\xff', 'latin1') },
      'a\\x01\\x1f ~\\x7f\\xff',
      'UTF-8',
      "\\xff'",
    ],
    [
      'of 100 bytes in Latin-1, without a NUL',
      { name: Buffer.from('\xe9'.repeat(100), 'latin1') },
      '\\xe9'.repeat(100),
      'a name in UTF-8',
      '\\xe9',
    ],
    [
      'in two parts',
      { name: Buffer.from('b\xe9', 'latin1'), prefix: 'a' },
      'a/b\\xe9',
      'a name in UTF-8',
      "'a/b\\xe9'",
    ],
    [
      'of GNU',
      [
        { name: '././@LongLink', type: 'L', data: Buffer.from('long\xe9\0', 'latin1'), magic: 'ustar  \0' },
        { name: 'cut', magic: 'ustar  \0' },
      ],
      'long\\xe9',
      'a name in UTF-8',
      "'long\\xe9'",
    ],
    [
      'of 300 bytes that are not in UTF-8',
      [{ name: 'pax', type: 'x', data: Buffer.from(`310 path=${'\xe9'.repeat(300)}\n`, 'latin1') }, { name: 'cut' }],
      `${'\\xe9'.repeat(100)}…`,
      'a name in UTF-8',
      '\\xe9',
    ],
  ])('that are %s are refused', async (_, member, op, expected, got) => {
    const members = [{ name: 'first' }, ...(Array.isArray(member) ? member : [member])];
    await expect(read(members)).rejects.toThrow(refusal(DataError, `a.tar: ${op}`, expected, got));
  });

  test("of a link's target are not those of the link", async () => {
    const target = { name: '././@LongLink', type: 'K', data: 'target\0' };
    const link = { name: Buffer.from('b\xe9', 'latin1'), type: '2' };
    await expect(read([target, link])).rejects.toThrow(refusal(DataError, 'a.tar: b\\xe9', 'a name in UTF-8', ''));
  });

  test('with the replacement character of UTF-8 are no others', async () => {
    expect((await read([{ name: '\ufffd.png' }])).map(({ name }) => name)).toEqual(['\ufffd.png']);
    expect((await read(withPax({ path: 'a/\ufffd' }, { name: 'x' })))[0].name).toBe('a/\ufffd');
    // The long name is that of one member.
    const members = [...withPax({ path: 'a/\ufffd' }, { name: 'x' }), { name: Buffer.from('\xe9', 'latin1') }];
    await expect(read(members)).rejects.toThrow(refusal(DataError, 'a.tar: \\xe9', 'a name in UTF-8', "'\\xe9'"));
  });

  test.each<[Member, string]>([
    [{ name: '/a' }, 'Pack it without -P (--absolute-names).'],
    [{ name: Buffer.from('\xe9', 'latin1') }, 'Unpack the archive, rename the file (convmv), and pack it again.'],
    [{ name: '' }, 'The archive may be damaged: make or download it again.'],
    [{ name: '../x' }, 'Pack the folder itself: tar -C FOLDER -cf OUT.tar .'],
    [{ name: 'd/'.repeat(17) + 'x' }, 'Move the pictures further up.'],
    [{ name: '.' }, 'Unpack the archive, rename the file, and pack it again.'],
  ])('%j: the hint says what to do', async (member, hint) => {
    await expect(read([member])).rejects.toMatchObject({ hint });
  });

  test('are cut in errors', async () => {
    const name = `/${'n'.repeat(300)}`;
    await expect(read(withPax({ path: name }, { name: 'x' }))).rejects.toMatchObject({
      op: `a.tar: ${name.slice(0, 256)}`,
    });
  });

  test('of unknown members without a name are told by their position', async () => {
    await expect(read([{ name: 'a' }, { name: '', type: 'Z' }])).rejects.toThrow(
      refusal(DataError, 'a.tar: the member at byte 512', 'files, folders and links', 'a member of type "Z"'),
    );
  });
});

describe('sizes', () => {
  test('of one block more or less', async () => {
    for (const length of [0, 1, 511, 512, 513, 1024]) {
      const data = new Uint8Array(length).fill(7);
      const [first, second] = await read([
        { name: 'a', data },
        { name: 'b', data: 'x' },
      ]);
      expect([first.data.length, second.name]).toEqual([length, 'b']);
      expect(first.data.every((byte) => byte === 7)).toBe(true);
    }
  });

  test('of PAX, instead of the one in the header', async () => {
    const members = withPax({ size: '3' }, { name: 'a', data: 'abc', size: 0 });
    expect(textOf(await read([...members, { name: 'b' }]))).toEqual([
      ['a', 'abc'],
      ['b', ''],
    ]);
  });

  test('of PAX may have many digits', async () => {
    const members = withPax({ size: '12' }, { name: 'a', data: 'twelve bytes', size: 0 });
    expect(textOf(await read(members))).toEqual([['a', 'twelve bytes']]);
  });

  test('of folders are passed over', async () => {
    // Some programs write the size of the folder, without content.
    const members = [
      { name: 'd', type: '5', size: 4096 },
      { name: 'd/a', data: 'x' },
    ];
    expect(textOf(await read(members))).toEqual([
      ['d/', ''],
      ['d/a', 'x'],
    ]);
  });

  test('with spaces, as old programs write them', async () => {
    const bytes = Buffer.from(tarOfMembers([{ name: 'pax', type: 'x', data: paxRecord('path', 'b') }, { name: 'a' }]));
    // Two zeros become two spaces: the checksum changes by 2 * 0x10.
    bytes.write('  ', 124, 'latin1');
    const sum = parseInt(bytes.toString('latin1', 148, 154), 8) - 0x20;
    bytes.write(sum.toString(8).padStart(6, '0'), 148, 'latin1');
    expect(textOf(await readTar(bytes, 'a.tar'))).toEqual([['b', '']]);
  });

  test('content is a view of the archive', async () => {
    const bytes = tarOfMembers([{ name: 'a', data: 'abc' }]);
    const [{ data }] = await readTar(bytes, 'a.tar');
    expect([data.buffer, data.byteOffset - bytes.byteOffset]).toEqual([bytes.buffer, 512]);
  });
});

describe('times and ids', () => {
  test.each([-1n, -86400n, 2n ** 40n, -(2n ** 62n)])('of %s as a binary number are accepted', async (value) => {
    const mtime = binary(value);
    const members = [
      { name: 'a', mtime, data: 'x' },
      { name: '././@LongLink', type: 'L', mtime, data: 'b' },
      { name: '' },
    ];
    expect(textOf(await read(members))).toEqual([
      ['a', 'x'],
      ['b', ''],
    ]);
  });

  test('of more than 64 bits are accepted', async () => {
    const mtime = Uint8Array.of(0x80, ...Array<number>(11).fill(0xff));
    expect(textOf(await read([{ name: 'a', mtime, data: 'x' }]))).toEqual([['a', 'x']]);
  });

  test('do not hide damage', async () => {
    const bytes = Buffer.from(tarOfMembers([{ name: 'a', mtime: binary(-1n) }]));
    bytes[0] ^= 1;
    await expect(readTar(bytes, 'a.tar')).rejects.toThrow(
      refusal(DataError, 'a.tar', 'a tar archive', 'a damaged header at byte 0'),
    );
  });
});

describe('members that are no files', () => {
  test.each([
    ['3', 'a character device'],
    ['4', 'a block device'],
    ['6', 'a pipe'],
    ['V', 'the label of a volume'],
  ])('of type %s are listed, and cannot be read', async (type, kind) => {
    const members = await read([{ name: 'a', type }, { name: 'b' }]);
    expect(members).toMatchObject([{ name: 'a', type: 'other', kind }, { name: 'b' }]);
    const tree = new TarTree(members, 'a.tar');
    expect(() => tree.read('a')).toThrow(refusal(DataError, 'a.tar: a', 'a file', kind));
    expect(() => tree.read('a')).toThrow(expect.objectContaining({ hint: 'Remove it, and pack the archive again.' }));
  });

  test.each([
    ['S', 'a sparse file of GNU tar'],
    ['D', 'a list of a folder from an incremental archive'],
    ['M', 'the continuation of a file from another volume'],
    ['N', 'a long name of an early GNU tar'],
    ['X', 'PAX records of Solaris'],
    ['Z', 'a member of type "Z"'],
    ['8', 'a member of type "8"'],
  ])('of type %s are refused by name', async (type, kind) => {
    const refused = read([{ name: 'first' }, { name: 'b', type, data: 'x' }]);
    await expect(refused).rejects.toThrow(refusal(DataError, 'a.tar: b', 'files, folders and links', kind));
    const { hint } = await refused.then(
      () => ({ hint: 'none' }),
      (error: unknown) => error as DataError,
    );
    expect(hint).toBe(type === 'S' ? 'Pack it without --sparse.' : 'Unpack it with tar, and pass the folder.');
  });

  test('sparse files in PAX are refused by name', async () => {
    const refused = read(withPax({ 'GNU.sparse.major': '1' }, { name: 'b', data: 'x' }));
    await expect(refused).rejects.toThrow(refusal(DataError, 'a.tar: b', 'files stored in full', 'a sparse file'));
    await expect(refused).rejects.toMatchObject({ hint: 'Pack it without --sparse.' });
  });

  test('a file with content and the name of a folder is refused', async () => {
    const refused = read([{ name: 'first' }, { name: 'a/', data: 'x' }]);
    await expect(refused).rejects.toThrow(refusal(DataError, 'a.tar: a/', "does not end with '/'", 'a/'));
    await expect(refused).rejects.toMatchObject({ hint: 'Rename the file, and pack it again.' });
  });

  test('only links have a target', async () => {
    expect(await read([{ name: 'a' }, { name: 'b', type: '2', target: 'a' }])).toMatchObject([
      { name: 'a', type: 'file', target: '' },
      { name: 'b', type: 'symlink', target: 'a' },
    ]);
  });

  test('files of type 7 and NUL are files', async () => {
    expect(
      textOf(
        await read([
          { name: 'a', type: '7', data: '1' },
          { name: 'b', type: '\0', data: '2' },
        ]),
      ),
    ).toEqual([
      ['a', '1'],
      ['b', '2'],
    ]);
  });
});

describe('links', () => {
  const treeOf = async (members: readonly Member[]): Promise<TarTree> => new TarTree(await read(members), 'a.tar');
  const readText = (tree: TarTree, name: string): string => new TextDecoder().decode(tree.read(name));

  const readLink = async (link: Partial<Member>, more: readonly Member[] = []): Promise<string> => {
    const tree = await treeOf([{ name: 'd/file', data: 'content' }, ...more, { name: 'd/link', ...link }]);
    return readText(tree, 'd/link');
  };
  const symbolic = (name: string, target: string): Member => ({ name, type: '2', target });
  const hard = (name: string, target: string): Member => ({ name, type: '1', target });

  test.each<[string, Partial<Member>, Member[]]>([
    ['hard', { type: '1', target: 'd/file' }, []],
    ['hard, with ./', { type: '1', target: './d/file' }, []],
    ['hard, with ..', { type: '1', target: 'd/x/../file' }, []],
    ['symbolic', { type: '2', target: 'file' }, []],
    ['symbolic, through another folder', { type: '2', target: '../d/./file' }, []],
    ['to a link', { type: '2', target: 'other' }, [hard('d/other', 'd/file')]],
    ['through a link to a folder', { type: '2', target: '../e/file' }, [symbolic('e', 'd')]],
    [
      'through two links to folders',
      { type: '2', target: '../a/b/file' },
      [symbolic('a/b', '../e'), symbolic('e', 'd')],
    ],
    // The folder above `x/y` is `x`, whatever the path to it.
    ['to .. after a link', { type: '2', target: '../to/../../d/file' }, [symbolic('to', 'x/y'), { name: 'x/y/1' }]],
    ['to a hard link to a symbolic one', { type: '2', target: 'h' }, [symbolic('d/s', 'file'), hard('d/h', 'd/s')]],
  ])('%s', async (_, link, more) => {
    expect(await readLink(link, more)).toBe('content');
  });

  test('of PAX and GNU with long targets', async () => {
    const target = { name: '././@LongLink', type: 'L', data: LONG };
    const members = await read([
      ...[target, { name: 'cut', data: 'x' }],
      ...[
        { name: '././@LongLink', type: 'K', data: `${LONG}\0` },
        { name: 'gnu', type: '1' },
      ],
      ...withPax({ linkpath: LONG }, { name: 'pax', type: '2' }),
    ]);
    const tree = new TarTree(members, 'a.tar');
    expect(members.map(({ name }) => tree.read(name).length)).toEqual([1, 1, 1]);
  });

  const loop: Member[] = [symbolic('d/other', 'link')];
  const long = withPax({ linkpath: 'x/'.repeat(2049) }, { name: 'd/long', type: '2' });
  test.each<[string, Partial<Member>, string, Member[]]>([
    ['out of the archive', { type: '2', target: '../../etc' }, 'leads out of it, to ../../etc', []],
    ['to an absolute path', { type: '2', target: '/etc/passwd' }, 'leads out of it, to /etc/passwd', []],
    ['to an absolute path, hard', { type: '1', target: '/d/file' }, 'leads out of it, to /d/file', []],
    ['out of the archive, hard', { type: '1', target: 'd/../../d/file' }, 'leads out of it, to d/../../d/file', []],
    ['to nothing', { type: '2', target: 'no' }, 'one to no, which is not in it', []],
    ['to nothing, hard', { type: '1', target: 'file' }, 'one to file, which is not in it', []],
    ['to a folder', { type: '2', target: '../d' }, 'one to the folder d/', [{ name: 'd/', type: '5' }]],
    ['to a folder, hard', { type: '1', target: 'd' }, 'one to the folder d/', []],
    ['to the archive', { type: '2', target: '..' }, 'one to the folder .', []],
    ['through a file', { type: '2', target: 'file/1' }, 'one to file/1, which is not in it', []],
    ['in a circle', { type: '2', target: 'other' }, 'links that lead to each other', loop],
    ['to itself', { type: '2', target: 'link' }, 'links that lead to each other', []],
    ['to itself, hard', { type: '1', target: 'd/link' }, 'links that lead to each other', []],
    [
      'in a circle, hard',
      { type: '1', target: 'a' },
      'links that lead to each other',
      [hard('a', 'b'), hard('b', 'a')],
    ],
    [
      'through a circle',
      { type: '2', target: '../a/x' },
      'links that lead to each other',
      [symbolic('a', 'b'), symbolic('b', 'a')],
    ],
    ['to a path of 4098 characters', { type: '2', target: 'long' }, 'one to a path of 4098 characters', long],
  ])('%s are refused', async (_, link, got, more) => {
    const refused = readLink(link, more);
    await expect(refused).rejects.toThrow(refusal(DataError, 'a.tar: d/link', 'a link to a file of the archive', got));
    const hint = got.includes('folder') ? undefined : 'Restore what it leads to, or remove the link.';
    expect(await refused.catch((error: unknown) => (error as DataError).hint)).toBe(hint);
  });

  test('to a path of 4096 characters are followed', async () => {
    const target = `${'x/../'.repeat(818)}./file`;
    expect(target).toHaveLength(4096);
    const members = [{ name: 'd/x/1' }, { name: 'd/file', data: 'content' }];
    const tree = await treeOf([...members, ...withPax({ linkpath: target }, { name: 'd/long', type: '2' })]);
    expect(readText(tree, 'd/long')).toBe('content');
  });

  test('40 symbolic ones in a row are followed, as Linux does', async () => {
    const chain = (length: number): Member[] =>
      Array.from({ length }, (_, i) => symbolic(`${i}`, i + 1 < length ? `${i + 1}` : 'd/file'));
    expect(await readLink({ type: '2', target: '../0' }, chain(39))).toBe('content');
    await expect(readLink({ type: '2', target: '../0' }, chain(40))).rejects.toThrow('links that lead to each other');
  });

  test('of many parts are bounded, all together', async () => {
    const long = (name: string, to: string): Member[] =>
      withPax({ linkpath: `${'d/../'.repeat(800)}${to}` }, { name, type: '2' });
    const chain = (count: number): Member[] =>
      Array.from({ length: count }, (_, i) => long(`${i}`, i % 30 === 0 ? 'd/file' : `${i - 1}`)).flat();
    const file = { name: 'd/file', data: 'content' };
    expect(readText(await treeOf([file, ...chain(30)]), '29')).toBe('content');
    const tree = await treeOf([file, ...chain(120)]);
    expect(() => tree.list()).toThrow(
      refusal(DataError, 'a.tar: ', 'at most 1000000 parts of paths in links of more than 100 parts', 'more'),
    );
    // The next call is refused at once.
    expect(() => tree.list()).toThrow(expect.objectContaining({ hint: expect.stringContaining('unpack the archive') }));
  });

  test('of more than 100 parts have 1,000,000 parts beyond these, not more', () => {
    const member = (name: string, type: 'file' | 'symlink', target: string): TarMember => ({
      ...{ name, type, kind: type, target, data: new Uint8Array(0) },
    });
    // With its own name, a link of n times `d/..` has 2n + 3 parts.
    const link = (name: string, n: number): TarMember => member(name, 'symlink', `${'d/../'.repeat(n)}d/file`);
    const tree = (n: number): TarTree => {
      const links = Array.from({ length: 665 }, (_, i) => link(`${i}`, 800));
      return new TarTree([member('d/file', 'file', ''), ...links, link('z'.repeat(300), n)], 'a.tar');
    };
    expect(665 * 1503 + 505).toBe(1_000_000);
    expect(tree(301).list().names).toHaveLength(668);
    expect(() => tree(302).list()).toThrow(
      expect.objectContaining({
        op: `a.tar: ${'z'.repeat(256)}`,
        expected: 'at most 1000000 parts of paths in links of more than 100 parts',
      }),
    );
  });

  test('any number of hard ones in a row are one file', async () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => hard(`${i}`, i === 0 ? 'd/file' : `${i - 1}`));
    const tree = await treeOf([{ name: 'd/file', data: 'content' }, ...chain]);
    for (const name of ['0', '41', '19999', '10000']) expect(readText(tree, name)).toBe('content');
  });

  test('to a device are refused', async () => {
    await expect(readLink({ type: '2', target: 'dev' }, [{ name: 'd/dev', type: '3' }])).rejects.toThrow(
      refusal(DataError, 'a.tar: d/link', 'a file', 'a character device'),
    );
  });

  test('an unknown name and a folder are refused', async () => {
    const tree = await treeOf([{ name: 'd/file' }]);
    const unknown = expect.objectContaining({ hint: 'List the members: tar -tf a.tar.' });
    expect(() => tree.read('x')).toThrow(refusal(DataError, 'a.tar: x', 'a member of this name', 'none'));
    expect(() => tree.read('x')).toThrow(unknown);
    expect(() => tree.read('d/')).toThrow(refusal(DataError, 'a.tar: d/', 'a file', 'a folder'));
  });

  describe('to folders', () => {
    const list = async (members: readonly Member[]): Promise<readonly string[]> => (await treeOf(members)).list().names;

    test('are folders, with all that is in them', async () => {
      const members = [{ name: 'cat/a/1', data: 'content' }, symbolic('dog', 'cat'), symbolic('cat/b', 'a')];
      const names = [
        'cat/',
        'cat/a/',
        'cat/a/1',
        'cat/b/',
        'cat/b/1',
        'dog/',
        'dog/a/',
        'dog/a/1',
        'dog/b/',
        'dog/b/1',
      ];
      expect([...(await list(members))].sort()).toEqual(names);
      const tree = await treeOf(members);
      for (const name of names.filter((each) => each.endsWith('1'))) expect(readText(tree, name)).toBe('content');
    });

    test('repeat names, which are counted, and no others', async () => {
      const counted = jest.spyOn(FolderWalk.prototype, 'addRepeated');
      await list([{ name: 'cat/1' }, { name: 'cat/2' }, { name: 'owl/3' }]);
      expect(counted).not.toHaveBeenCalled();
      await list([{ name: 'cat/1' }, { name: 'cat/2' }, { name: 'owl/3' }, symbolic('dog', 'cat')]);
      expect(counted.mock.calls.map(([name]) => name.slice(4)).sort()).toEqual(['1', '2']);
    });

    test('that they are in are not followed, and listed as broken', async () => {
      const members = [{ name: 'a/1' }, symbolic('a/self', '.'), symbolic('a/up', '..'), symbolic('a/b/c', '../../a')];
      const { names, brokenLinks } = (await treeOf(members)).list();
      expect([...names].sort()).toEqual(['a/', 'a/1', 'a/b/', 'a/b/c', 'a/self', 'a/up']);
      expect(Object.fromEntries(brokenLinks)).toEqual({
        'a/self': 'one to a folder that it is in',
        'a/up': 'one to a folder that it is in',
        'a/b/c': 'one to a folder that it is in',
      });
    });

    test('that contain links to each other end', async () => {
      const members = [{ name: 'a/1' }, { name: 'b/2' }, symbolic('a/b', '../b'), symbolic('b/a', '../a')];
      const { names, brokenLinks } = (await treeOf(members)).list();
      expect([...names].sort()).toEqual(['a/', 'a/1', 'a/b/', 'a/b/2', 'a/b/a', 'b/', 'b/2', 'b/a/', 'b/a/1', 'b/a/b']);
      expect([...brokenLinks.keys()].sort()).toEqual(['a/b/a', 'b/a/b']);
    });

    test('that are missing are broken, with the reason', async () => {
      const { brokenLinks } = (await treeOf([symbolic('cat', '../cats'), symbolic('dog', 'dogs')])).list();
      expect([...brokenLinks]).toEqual([
        ['cat', 'one that leads out of it, to ../cats'],
        ['dog', 'one to dogs, which is not in it'],
      ]);
    });

    test('lead to one by 100 paths, not more', async () => {
      const links = (count: number): Member[] => Array.from({ length: count }, (_, i) => symbolic(`${i}`, 'a'));
      expect(await list([{ name: 'a/1' }, ...links(99)])).toHaveLength(200);
      const refused = list([{ name: 'a/1' }, ...links(100)]);
      await expect(refused).rejects.toThrow(
        refusal(DataError, 'a.tar: a/', 'at most 100 paths to a folder, through links', 'more'),
      );
      await expect(refused).rejects.toMatchObject({ hint: 'Remove links to this folder, or to folders above it.' });
    });

    test('are bounded when each folder links twice to the next', async () => {
      const links = Array.from({ length: 15 }, (_, i) => [
        symbolic(`${i}/a`, `../${i + 1}`),
        symbolic(`${i}/b`, `../${i + 1}`),
      ]);
      await expect(list([...links.flat(), { name: '15/1' }])).rejects.toThrow('at most 100 paths to a folder');
    });

    test('repeat a bounded number of characters', async () => {
      const files = (count: number): Member[] =>
        Array.from({ length: count }, (_, i) => withPax({ path: `a/${i}`.padEnd(4000, 'x') }, { name: 'x' })).flat();
      const links = Array.from({ length: 99 }, (_, i) => symbolic(`${i}`.padStart(2, '0'), 'a'));
      // 99 * 252 names of 4001 characters are less than 100,000,000, with one more file more.
      expect(await list([...files(252), ...links])).toHaveLength(100 * 253);
      await expect(list([...files(253), ...links])).rejects.toThrow(
        refusal(DataError, 'a.tar: a/', 'at most 100000000 characters of names that links repeat', 'more'),
      );
    });

    test('make paths of 16 folders, not more', async () => {
      const chain = (count: number): Member[] => [
        ...Array.from({ length: count - 1 }, (_, i) => symbolic(`${i}/x`, `../${i + 1}`)),
        { name: `${count - 1}/1` },
      ];
      expect(await list(chain(16))).toContain(`0/${'x/'.repeat(15)}1`);
      await expect(list(chain(17))).rejects.toThrow(
        refusal(DataError, `a.tar: 0/${'x/'.repeat(16)}`, 'at most 16 levels of folders', 'more'),
      );
    });
  });
});

describe('the end', () => {
  const block = new Uint8Array(512);
  const members: Member[] = [{ name: 'a', data: 'x' }];

  test.each([1, 2, 3, 20])('of %i empty blocks', async (count) => {
    expect(textOf(await read(members, new Uint8Array(512 * count)))).toEqual([['a', 'x']]);
  });

  test.each(['\n', '\r\n', 'x'.repeat(511)])('followed by %j, which is less than a block', async (more) => {
    for (const blocks of [1, 2]) {
      const end = Buffer.concat([new Uint8Array(512 * blocks), Buffer.from(more)]);
      expect(textOf(await read(members, end))).toEqual([['a', 'x']]);
    }
  });

  test('without members', async () => {
    expect(await read([], new Uint8Array(1024))).toEqual([]);
  });

  test.each<[string, Uint8Array, string, string]>([
    ['missing', new Uint8Array(0), 'a whole tar archive', 'a truncated one of 1024 bytes'],
    ['cut', block.subarray(1), 'a whole tar archive', 'a truncated one of 1535 bytes'],
    ['followed by other bytes', Buffer.concat([block, block, Buffer.alloc(512, 'x')]), 'nothing after', 'byte 1024'],
    ['cut, and followed by other bytes', Buffer.from('x'), 'a whole tar archive', 'a truncated one of 1025 bytes'],
    ['followed by an archive', Buffer.concat([block, block, tarOfMembers([{ name: 'b' }])]), 'nothing after', '1024'],
    ['in the middle', Buffer.concat([block, tarOfMembers([{ name: 'b' }])]), 'nothing after', 'byte 1024'],
  ])('%s is refused', async (_, end, expected, got) => {
    await expect(read(members, end)).rejects.toThrow(refusal(DataError, 'a.tar', expected, got));
  });

  test('followed by an archive: the hint says how archives are joined', async () => {
    const end = Buffer.concat([block, block, tarOfMembers([{ name: 'b' }])]);
    await expect(read(members, end)).rejects.toMatchObject({
      hint: 'Join archives with tar -A instead of cat.',
      cause: expect.any(Error),
    });
  });

  test('a file of 511 bytes, and one of 500', async () => {
    for (const length of [1, 500, 511]) {
      await expect(readTar(new Uint8Array(length).fill(120), 'a.tar')).rejects.toThrow(
        refusal(DataError, 'a.tar', 'a whole tar archive', `a truncated one of ${length} bytes`),
      );
    }
  });
});

describe('damage', () => {
  const whole = Buffer.from(
    tarOfMembers([
      { name: 'a', data: 'x'.repeat(600) },
      { name: 'b', data: 'y' },
    ]),
  );

  test('says what to do', async () => {
    const hint = 'Download or make the archive again.';
    const header = Buffer.from(whole);
    header[1536] ^= 1;
    const records = tarOfMembers([{ name: 'pax', type: 'x', data: 'no records' }, { name: 'a' }]);
    for (const bytes of [whole.subarray(0, 700), whole.subarray(0, 100), header, records]) {
      await expect(readTar(Buffer.from(bytes), 'a.tar')).rejects.toMatchObject({ hint });
    }
  });

  test('truncation at any length is refused', async () => {
    for (let length = 0; length < whole.length - 512; length += 64) {
      await expect(readTar(Buffer.from(whole.subarray(0, length)), 'a.tar')).rejects.toThrow(
        refusal(DataError, 'a.tar', 'tar archive', `${length} bytes`),
      );
    }
  });

  test('of a header is refused with its position', async () => {
    for (const at of [0, 50, 124, 150, 156, 257]) {
      const bytes = Buffer.from(whole);
      bytes[1536 + at] ^= 0x10;
      await expect(readTar(bytes, 'a.tar')).rejects.toThrow(
        refusal(DataError, 'a.tar', 'a tar archive', 'a damaged header at byte 1536 (Invalid tar'),
      );
    }
  });

  test.each([
    ['without a length', 'path=x\n'],
    ['of length 0', '0 path=x\n'],
    ['of a length beyond the end', `99${paxRecord('path', 'abc')}`],
    ['without =', '8 pathx\n'],
    ['without = before another one', `8 pathx\n${paxRecord('path', 'b')}`],
    ['of a length after a letter', 'x12 path=ab\n'],
    ['without a key', '5 =x\n'],
    ['without a line feed', '9 path=xy'],
    ['cut at a space', '3 x'],
    ['of one space', ' '],
    ['of a length with a sign', '+9 path=x\n'],
    ['of a length with letters', '9x path=x\n'],
    ['whose length ends before the value', '4 a=bcd\n'],
    ['of a length of eight digits', '00000011 a=b\n'.replace('11', '13')],
    ['with text after them', `${paxRecord('path', 'x')}more`],
    ['of many bytes without a space', 'A'.repeat(200_000)],
    ['of many digits', '9'.repeat(200_000)],
    ['of many bytes after a whole one', paxRecord('path', 'x') + 'A'.repeat(200_000)],
    ['of the length 0', '0 a=b\n'],
  ])('of PAX records %s is refused', async (_, data) => {
    for (const type of ['x', 'g']) {
      await expect(read([{ name: 'first' }, { name: 'pax', type, data }, { name: 'b' }])).rejects.toThrow(
        refusal(DataError, 'a.tar', "'length key=value'", 'damaged ones at byte 1024'),
      );
    }
  });

  test('of PAX records that end with the file is refused', async () => {
    const bytes = memberBlocks({ name: 'pax', type: 'x', data: 'A'.repeat(512) });
    await expect(readTar(bytes, 'a.tar')).rejects.toThrow(
      refusal(DataError, 'a.tar', "'length key=value'", 'damaged ones at byte 512'),
    );
  });

  test('of the size in a later one of PAX records is refused', async () => {
    const data = paxRecord('comment', 'c'.repeat(100)) + paxRecord('size', '-5');
    await expect(read([{ name: 'pax', type: 'x', data }, { name: 'b' }])).rejects.toThrow(
      refusal(DataError, 'a.tar', 'a size in digits in PAX records', '"-5" at byte 512'),
    );
  });

  test('of PAX records before the first member is refused', async () => {
    await expect(read([{ name: 'pax', type: 'x', data: 'A'.repeat(200_000) }, { name: 'b' }])).rejects.toThrow(
      refusal(DataError, 'a.tar', "'length key=value'", 'damaged ones at byte 512'),
    );
  });

  test.each(['-5', '97.5', '0x61', '', '1e3', '9007199254740992', ' 3'])(
    'of the size %j in PAX records is refused',
    async (size) => {
      for (const type of ['x', 'g']) {
        const refused = read([
          { name: 'pax', type, data: paxRecord('size', size) },
          { name: 'b', data: 'abc' },
        ]);
        await expect(refused).rejects.toThrow(
          refusal(DataError, 'a.tar', 'a size in digits in PAX records', `${JSON.stringify(size)} at byte 512`),
        );
      }
    },
  );

  const pax = (type: string): Member => ({ name: 'pax', type, data: paxRecord('path', 'long') });
  const gnu = (type: string): Member => ({ name: '././@LongLink', type, data: 'long\0' });

  test.each<[string, Member[], number]>([
    ['PAX records', [pax('x')], 512],
    ['a long name', [gnu('L')], 512],
    ['the long name of a target', [gnu('K')], 512],
    ['two long names', [gnu('L'), gnu('K')], 512],
    ['a long name before records for all', [gnu('L'), pax('g')], 512],
    ['a long name after records for all', [pax('g'), gnu('L')], 1536],
  ])('of %s without a member is refused', async (_, metadata, at) => {
    await expect(read([{ name: 'a' }, ...metadata])).rejects.toThrow(
      refusal(
        DataError,
        'a.tar',
        'a whole tar archive',
        `no member after the PAX records or the long name at byte ${at}`,
      ),
    );
  });

  test('is not seen in PAX records for all at the end', async () => {
    expect(textOf(await read([{ name: 'a' }, pax('g')]))).toEqual([['a', '']]);
  });

  test.each<[string, Member[]]>([
    ['x and x', [pax('x'), pax('x')]],
    ['x and L', [pax('x'), gnu('L')]],
    ['x and K', [pax('x'), gnu('K')]],
    ['L and x', [gnu('L'), pax('x')]],
  ])('of metadata of two kinds for one member is refused: %s', async (_, metadata) => {
    const refused = read([{ name: 'a' }, ...metadata, { name: 'b' }]);
    await expect(refused).rejects.toThrow(
      refusal(DataError, 'a.tar', 'a member after the metadata of one kind', 'more metadata at byte 1536'),
    );
    await expect(refused).rejects.toMatchObject({ hint: 'Unpack it with tar, and pass the folder.' });
  });

  test.each<[string, Member[]]>([
    ['g and x', [{ name: 'pax', type: 'g', data: paxRecord('comment', 'c') }, pax('x')]],
    ['x and g', [pax('x'), { name: 'pax', type: 'g', data: paxRecord('comment', 'c') }]],
    ['L and K', [gnu('L'), gnu('K')]],
    ['K and L', [gnu('K'), gnu('L')]],
    ['L and g', [gnu('L'), { name: 'pax', type: 'g', data: paxRecord('comment', 'c') }]],
  ])('is not seen in %s', async (_, metadata) => {
    expect((await read([...metadata, { name: 'b' }])).map(({ name }) => name)).toEqual(['long']);
  });

  test.each([
    ['of one digit', '7 a=bc\n'],
    ['of seven digits', '0000012 a=b\n'.replace('12', '13').replace('b', 'bc').slice(0, 13)],
    ['of no value', '5 a=\n'],
    ['with a long key', paxRecord('k'.repeat(70), 'v')],
    ['with a key of 200,000 characters', paxRecord('k'.repeat(200_000), 'v')],
    ['with a key of 63 characters', paxRecord('k'.repeat(63), 'v')],
    ['with spaces in the value', paxRecord('comment', ' = \n')],
  ])('is not seen in PAX records %s', async (_, data) => {
    const members = [{ name: 'first' }, { name: 'pax', type: 'x', data }, { name: 'b', data: 'y' }];
    expect(textOf(await read(members))).toEqual([
      ['first', ''],
      ['b', 'y'],
    ]);
  });

  test('of PAX records is not seen in values, which may be any bytes', async () => {
    // Attributes of macOS, with a line feed, an equals sign and bytes that are not UTF-8.
    const value = '\xff\0\n12 a=b\n\xfe';
    const data = Buffer.from(paxRecord('SCHILY.xattr.x', 'x'.repeat(value.length)), 'latin1');
    data.write(value, data.length - 1 - value.length, 'latin1');
    const records = { name: 'pax', type: 'x', data: Buffer.concat([data, Buffer.from(paxRecord('path', 'é'))]) };
    expect(textOf(await read([records, { name: 'cut', data: '1' }]))).toEqual([['é', '1']]);
  });

  test('of a path in PAX records that is not in UTF-8 is refused by name', async () => {
    const data = Buffer.from('13 path=caf\xe9\n', 'latin1');
    await expect(read([{ name: 'pax', type: 'x', data }, { name: 'b' }])).rejects.toThrow(
      refusal(DataError, 'a.tar: caf\\xe9', 'a name in UTF-8', "'caf\\xe9'"),
    );
  });

  test('of a path for all members that is not in UTF-8 is refused by name', async () => {
    const data = Buffer.from('13 path=caf\xe9\n', 'latin1');
    const global = { name: 'pax', type: 'g', data };
    const error = refusal(DataError, 'a.tar: caf\\xe9', 'a name in UTF-8', "'caf\\xe9'");
    await expect(read([global, { name: 'b' }])).rejects.toThrow(error);
    // Records of the member itself come first.
    const own = { name: 'pax', type: 'x', data: paxRecord('path', 'é') };
    expect(textOf(await read([global, own, { name: 'b', data: '1' }]))).toEqual([['é', '1']]);
  });

  test('a truncated member of metadata', async () => {
    const cut = memberBlocks({ name: 'pax', type: 'x', data: paxRecord('path', 'x'.repeat(900)) }).subarray(0, 1024);
    await expect(readTar(Buffer.from(cut), 'a.tar')).rejects.toThrow(
      refusal(DataError, 'a.tar', 'a whole tar archive', 'a truncated one of 1024 bytes'),
    );
  });
});

test('global PAX records apply to all members', async () => {
  const records = { name: 'pax', type: 'g', data: paxRecord('comment', 'x') };
  expect(textOf(await read([records, { name: 'a', data: '1' }, { name: 'b', data: '2' }]))).toEqual([
    ['a', '1'],
    ['b', '2'],
  ]);
});

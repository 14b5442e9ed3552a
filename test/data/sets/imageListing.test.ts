import { describe, expect, test } from '@jest/globals';
import { DataError } from '../../../src/core/errors.js';
import type { Archive } from '../../../src/data/sets/archive.js';
import { isPicture, listImages, type SplitOptions } from '../../../src/data/sets/imageListing.js';
import { refusal } from '../../io/refusal.js';

const [NFC, NFD] = ['caf\u00e9', 'cafe\u0301'];

/** An archive of these names; the folders of files are added. */
function archiveOf(names: readonly string[], brokenLinks: Readonly<Record<string, string>> = {}): Archive {
  const folders = names.flatMap((name) => name.split('/').map((_, i, all) => `${all.slice(0, i).join('/')}/`));
  const all = [...new Set([...names, ...folders.filter((folder) => folder !== '/')])];
  return {
    path: 'set',
    names: all,
    brokenLinks: new Map(Object.entries(brokenLinks)),
    onDisk: false,
    read: () => Promise.reject(new Error('not read')),
  };
}

const list = (names: readonly string[], options: SplitOptions = {}): string[] => {
  const { classNames, files, labels } = listImages(archiveOf(names), options);
  return files.map((file, i) => `${classNames[labels[i]]}: ${file}`);
};

describe('isPicture', () => {
  test('in a folder with the name of a companion', () => {
    expect(isPicture('._d/a.png')).toBe(true);
  });

  test.each(['a.jpg', 'a.JPEG', 'd/a.Png', 'a.ppm', 'a.bmp', 'a.pgm', 'a.tif', 'a.TIFF', 'a.webp', '.png', 'd/.a.png'])(
    '%s',
    (name) => {
      expect(isPicture(name)).toBe(true);
    },
  );

  test.each(['Thumbs.db', 'desktop.ini', '.DS_Store', 'a.gif', 'png', 'a.png.txt', 'a.jpgg', '._a.png', 'd/._1.png'])(
    'not %s',
    (name) => {
      expect(isPicture(name)).toBe(false);
    },
  );
});

describe('classes', () => {
  test('are sorted by code points, files by class, folder and name', () => {
    const b = ['b/2.png', 'b/z.png', 'b/10.png', 'b/x/1.png', 'b/a.png'];
    const names = ['ｶ/1.png', '🐱/1.png', ...b, 'b-c/1.png', 'B/1.png'];
    expect(list(names)).toEqual([
      ...['B: B/1.png', 'b: b/10.png', 'b: b/2.png', 'b: b/a.png', 'b: b/z.png', 'b: b/x/1.png', 'b-c: b-c/1.png'],
      ...['ｶ: ｶ/1.png', '🐱: 🐱/1.png'],
    ]);
  });

  test('have names in NFC, the same in train and val', () => {
    const names = [`train/${NFC}/1.png`, 'train/tea/1.png', `val/${NFD}/1.png`, 'val/tea/1.png'];
    expect(list(names, { split: 'train' })).toEqual([`${NFC}: train/${NFC}/1.png`, 'tea: train/tea/1.png']);
    expect(list(names, { split: 'val' })).toEqual([`${NFC}: val/${NFD}/1.png`, 'tea: val/tea/1.png']);
    expect(listImages(archiveOf([`${NFD}/1.png`, 'tea/1.png']), {}).classNames).toEqual([NFC, 'tea']);
  });

  test('pass over files that are no pictures, and hidden folders', () => {
    const names = ['cat/1.png', 'cat/Thumbs.db', 'cat/._1.png', 'dog/1.jpg', 'dog/desktop.ini', 'labels.csv', '1.png'];
    expect(list([...names, '.git/x/1.png', 'cat/.cache/2.png', '.ipynb_checkpoints/1.png'])).toEqual([
      'cat: cat/1.png',
      'dog: dog/1.jpg',
    ]);
  });

  test.each<[string, string[], string, string]>([
    ['an empty folder', ['cat/1.png', 'dog/'], 'dog/', 'none in dog'],
    ['several', ['cat/1.png', 'z/', 'y/notes.txt', 'é/._1.png'], 'y/', 'none in y, z, é'],
    ['six', ['x/1.png', 'a/', 'b/', 'c/', 'd/', 'e/', 'f/'], 'a/', 'none in a, b, c, d, e and 1 more'],
    ['five', ['x/1.png', 'a/', 'b/', 'c/', 'd/', 'e/'], 'a/', 'none in a, b, c, d, e'],
    ['below a common folder', ['s/cat/1.png', 's/dog/a.gif'], 's/dog/', 'none in dog'],
    ['in the selected split', ['test/cat/1.png', 'test/dog/', 'train/dog/1.png'], 'test/dog/', 'none in dog'],
  ])('refuse %s, naming the folders', (_, names, op, got) => {
    const refused = (): unknown => list(names, { split: 'test' });
    expect(refused).toThrow(refusal(DataError, `set: ${op}`, 'a picture in each class folder (.jpg, .jpeg', got));
    expect(refused).toThrow(
      expect.objectContaining({ got, hint: 'Remove the empty folders, or put pictures into them.' }),
    );
  });

  test('of another split may be missing or empty in this one', () => {
    const names = ['train/cat/1.png', 'train/dog/1.png', 'test/dog/1.png', 'test/cat/'];
    expect(listImages(archiveOf(names), { split: 'train' }).classNames).toEqual(['cat', 'dog']);
    expect(list(names.slice(0, 3), { split: 'test' })).toEqual(['dog: test/dog/1.png']);
  });
});

describe('the root', () => {
  test.each<[string, string[], string[]]>([
    ['the top', ['cat/1.png', 'dog/1.png'], ['cat', 'dog']],
    ['below folders that are alone', ['a/b/cat/1.png', 'a/b/dog/1.png'], ['cat', 'dog']],
    ['the top for a single class', ['cat/1.png'], ['cat']],
    ['the top for a single class with a folder', ['cat/1.png', 'cat/more/2.png'], ['cat']],
    ['the top for classes of folders', ['cat/a/1.png', 'dog/b/1.png'], ['cat', 'dog']],
    ['the top for folders of classes that differ in more than case', ['A/ß/1.png', 'B/ss/1.png'], ['A', 'B']],
    ['the top if a picture is in a class', ['cat/a/1.png', 'dog/a/1.png', 'dog/1.png'], ['cat', 'dog']],
    ['not train, which is a class', ['train/1.png', 'boat/1.png'], ['boat', 'train']],
    ['not test, which is a class with a folder', ['test/1.png', 'test/a/2.png', 'boat/1.png'], ['boat', 'test']],
    ['not test, which is a folder of a class', ['cat/test/1.png', 'cat/2.png', 'dog/1.png'], ['cat', 'dog']],
  ])('is %s', (_, names, classes) => {
    expect(listImages(archiveOf(names), {}).classNames).toEqual(classes);
  });

  test.each<[string, string[], string]>([
    ['of two sets', ['A/cat/1.png', 'A/dog/1.png', 'B/cat/1.png'], 'A/, B/'],
    ['in other case', ['A/x/1.png', 'B/y/1.png', 'C/X/1.png'], 'A/, C/'],
    ['in NFC and NFD', [`A/${NFC}/1.png`, `B/${NFD}/1.png`], 'A/, B/'],
    ['below a common folder', ['s/A/cat/1.png', 's/B/cat/1.png', '1.png'], 's/A/, s/B/'],
  ])('is refused if there are two: %s', (_, names, roots) => {
    expect(() => list(names)).toThrow(refusal(DataError, 'set', 'one root of class folders', `two roots: ${roots}`));
    expect(() => list(names)).toThrow(
      expect.objectContaining({ hint: 'Pass one of them, or name them train and val.' }),
    );
  });

  test.each<[string, string[]]>([
    ['no files', []],
    ['1.png', ['1.png', '2.png']],
  ])('is refused if there are no folders: %s', (got, names) => {
    expect(() => list(names)).toThrow(refusal(DataError, 'set', 'images in a folder for each class', got));
  });
});

describe('splits', () => {
  const splits = (train: string, val: string): string[] => [`${train}/cat/1.png`, `${val}/cat/2.png`];

  test.each([
    ['train', 'val'],
    ['Train', 'Validation'],
    ['TRAINING', 'VALID'],
    ['training', 'Testing'],
    ['set/Training', 'set/test'],
    ['test/train', 'test/val'],
  ])('%s and %s', (train, val) => {
    expect(list(splits(train, val), { split: 'train' })).toEqual([`cat: ${train}/cat/1.png`]);
    for (const split of ['val', 'test'] as const) {
      expect(list(splits(train, val), { split })).toEqual([`cat: ${val}/cat/2.png`]);
    }
  });

  test('val and test are two splits if both exist', () => {
    const names = [...splits('train', 'val'), 'Testing/cat/3.png'];
    expect(list(names, { split: 'val' })).toEqual(['cat: val/cat/2.png']);
    expect(list(names, { split: 'test' })).toEqual(['cat: Testing/cat/3.png']);
  });

  test('files outside of them are passed over', () => {
    const names = [...splits('train', 'val'), 'docs/a/notes.txt', 'docs/._1.png', '1.png', 'train/1.png'];
    expect(list(names, { split: 'train' })).toEqual(['cat: train/cat/1.png']);
  });

  const inSet = (names: readonly string[]): string[] => names.map((name) => `set/more/${name}`);
  test.each<[string, string[], string, string]>([
    ['classes', ['train/steam/1.png', 'bus/1.png', 'car/1.png'], 'train/', 'bus/, car/'],
    ['classes of folders', ['train/steam/1.png', 'bus/red/1.png'], 'train/', 'bus/'],
    ['the same classes', ['cat/1.png', 'dog/1.png', 'train/cat/1.png', 'train/dog/1.png'], 'train/', 'cat/, dog/'],
    [
      'a folder of classes',
      [...splits('train', 'val'), 'extra/cat/1.png', 'extra/bird/1.png'],
      'train/, val/',
      'extra/',
    ],
    ['documents', [...splits('train', 'val'), 'docs/a/figure.png'], 'train/, val/', 'docs/'],
    ['in a set', inSet([...splits('train', 'val'), 'x/1.png']), 'set/more/train/, set/more/val/', 'set/more/x/'],
    ['above', [...inSet(splits('train', 'val')), 'set/x/1.png'], 'set/more/train/, set/more/val/', 'set/x/'],
  ])('pictures in folders beside them are refused: %s', (_, names, folders, beside) => {
    for (const options of [{}, { split: 'train' }, { split: 'val', valSplit: 0.5 }] as const) {
      expect(() => list(names, options)).toThrow(
        refusal(DataError, 'set', `pictures in the folders of splits (${folders})`, `also ${beside}`),
      );
      expect(() => list(names, options)).toThrow(
        expect.objectContaining({
          hint: expect.stringMatching(
            /Move the others into a folder of a split, .* If .*\/ is a class, give it another/,
          ),
        }),
      );
    }
  });

  test('pictures above them are passed over', () => {
    const names = [...inSet(splits('train', 'val')), '1.png', 'set/2.png', 'set/more/3.png'];
    expect(list(names, { split: 'val' })).toEqual(['cat: set/more/val/cat/2.png']);
  });

  test('a folder of a class may have the name of a split', () => {
    const names = ['train/cat/test/a/1.png', 'train/cat/2.png', 'val/cat/3.png'];
    expect(list(names, { split: 'train' })).toEqual(['cat: train/cat/2.png', 'cat: train/cat/test/a/1.png']);
    expect(list(names, { split: 'test' })).toEqual(['cat: val/cat/3.png']);
  });

  test.each<[string[], SplitOptions, string]>([
    [['a/train/x/1.png', 'b/train/x/1.png'], { split: 'train' }, 'a/train/, b/train/'],
    [['train/x/1.png', 'Training/x/1.png'], { split: 'train' }, 'train/, Training/'],
    [['val/x/1.png', 'valid/x/1.png'], { split: 'test' }, 'val/, valid/'],
    [['train/x/1.png', 'Train/x/1.png'], { split: 'val', valSplit: 0.5 }, 'train/, Train/'],
  ])('two folders of one: %j', (names, options, roots) => {
    expect(() => list(names, options)).toThrow(
      refusal(DataError, 'set', 'one root of class folders', `two roots: ${roots}`),
    );
    expect(() => list(names, options)).toThrow(
      expect.objectContaining({ hint: 'Pass the folder above one of them, or rename the other.' }),
    );
  });

  test.each<[SplitOptions, string[], string, string, string]>([
    [
      {},
      ['train/x/1.png'],
      'a split: train, val or test',
      'none, although there are folders',
      "Pass { split: 'train' }.",
    ],
    [
      { split: 'train' },
      ['val/x/1.png'],
      'class folders in one of train, training',
      'only val/',
      'Rename the folder of the training images to train.',
    ],
    [
      { split: 'val' },
      ['a/train/x/1.png'],
      'one of val, valid, validation, test, testing',
      'only a/train/',
      '--val-split',
    ],
    [
      { split: 'test' },
      ['train/x/1.png'],
      'one of test, testing, val, valid, validation',
      'only train/',
      '--val-split',
    ],
  ])('refuses a split without a folder: %j', (options, names, expected, got, hint) => {
    expect(() => list(names, options)).toThrow(refusal(DataError, 'set', expected, got));
    const withHint = expect.objectContaining({ hint: expect.stringContaining(hint) });
    expect(() => list(names, options)).toThrow(withHint);
  });

  test('tell whether a set is whole, drawn or has its own folder', () => {
    const plain = ['cat/1.png', 'cat/2.png', 'dog/1.png', 'dog/2.png'];
    expect(listImages(archiveOf(plain), {}).splitSource).toBeUndefined();
    expect(listImages(archiveOf(plain), { split: 'val' }).splitSource).toBe('whole');
    const [train, val] = (['train', 'val'] as const).map((split) =>
      listImages(archiveOf(plain), { split, valSplit: 0.5 }),
    );
    expect([train.splitSource, train.files.length, val.files.length]).toEqual(['drawn', 2, 2]);
    expect([...train.files, ...val.files].sort()).toEqual(plain);
    expect([[...train.labels], [...val.labels]]).toEqual([
      [0, 1],
      [0, 1],
    ]);
    const divided = listImages(archiveOf(splits('train', 'val')), { split: 'val', valSplit: 0.5 });
    expect([divided.splitSource, divided.files]).toEqual([undefined, ['val/cat/2.png']]);
  });
});

describe('requireValSplit', () => {
  const options = { split: 'train', valSplit: 0.5, requireValSplit: true } as const;

  test('refuses a folder with images to validate on', () => {
    const names = ['train/cat/1.png', 'Test/cat/1.png'];
    expect(() => list(names, options)).toThrow(
      expect.objectContaining({
        message: 'valSplit: expected a set without images to validate on, got the folder Test/ of set',
        hint: 'Omit it: these are the images to validate on. A share is held out only of a folder without val and test.',
      }),
    );
    expect(list(names, { ...options, requireValSplit: false })).toEqual(['cat: train/cat/1.png']);
  });

  test('holds out a share of the only folder', () => {
    const names = ['train/cat/1.png', 'train/cat/2.png'];
    expect(list(names, options)).toHaveLength(1);
  });
});

describe('links that lead nowhere', () => {
  const names = ['cat/1.png', 'dog/1.png'];

  test.each(['bird', 'cat/more', 'notes.txt', 'cat.d/x', 'a.b'])('%s may be a folder: it is refused', (link) => {
    expect(() => listImages(archiveOf([...names, link], { [link]: 'one to nowhere' }), {})).toThrow(
      refusal(DataError, `set: ${link}`, 'a link to a file or a folder', 'one to nowhere'),
    );
    expect(() => listImages(archiveOf([...names, link], { [link]: 'one' }), {})).toThrow(
      expect.objectContaining({ hint: 'Restore what it leads to, or remove the link.' }),
    );
  });

  test.each(['cat/2.png', '.#lock', 'cat/.hidden', '.git/bird'])('%s is not', (link) => {
    const { files } = listImages(archiveOf([...names, link], { [link]: 'one to nowhere' }), {});
    expect(files).toEqual(link.endsWith('png') ? ['cat/1.png', 'cat/2.png', 'dog/1.png'] : names);
  });
});

describe('8,000 roots', () => {
  const roots = (name: string): string[] => Array.from({ length: 8000 }, (_, i) => `${i}/${name}/cat/1.png`);

  test('are refused with the first of them', () => {
    expect(() => list(roots('train'), { split: 'train' })).toThrow(
      refusal(
        DataError,
        'set',
        'one root',
        '8000 roots: 0/train/, 1/train/, 2/train/, 3/train/, 4/train/ and 7995 more',
      ),
    );
  });

  test('of another split share their classes', () => {
    const { classNames, files } = listImages(archiveOf([...roots('train'), 'val/dog/1.png']), { split: 'val' });
    expect([classNames, files]).toEqual([['cat', 'dog'], ['val/dog/1.png']]);
  });

  test('inside of each other are ordinary folders', () => {
    const names = Array.from({ length: 4000 }, (_, i) => `test/${i}/train/cat/1.png`);
    expect(() => list(names, { split: 'train' })).toThrow(refusal(DataError, 'set', 'one root', '4000 roots'));
  });
});

test.each([
  [['1.png', '2.png'], 'Put the pictures of each class into a folder: cat/1.jpg, dog/1.jpg.'],
  [['1.png', 'dog\\1.png'], 'The names contain \\ instead of /.'],
  [['cat\\1.png', 'dog\\1.png'], 'The names contain \\ instead of /. Unpack the archive where it was made'],
])('without class folders, %j, the hint says what to do', (names, hint) => {
  expect(() => list(names)).toThrow(
    refusal(DataError, 'set', 'images in a folder for each class', `no folders, but ${names.join(', ')}`),
  );
  expect(() => list(names)).toThrow(expect.objectContaining({ hint: expect.stringContaining(hint) }));
});

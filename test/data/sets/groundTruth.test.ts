/** Lists of labels in files, and the classes of ImageNet that they name. */
import { describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { DataError } from '../../../src/core/errors.js';
import { imageNumber, readGroundTruth, readRealLabels } from '../../../src/data/sets/groundTruth.js';
import { DEVELOPMENT_KIT_CLASSES, IMAGENET_SYNSETS } from '../../../src/data/sets/imagenetSynsets.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';

const path = temporaryFolder();
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('the classes of ImageNet', () => {
  test('are the 1000 synsets of timm, sorted', () => {
    // That of timm/data/_info/imagenet_synsets.txt, without the last line end.
    expect(sha256(IMAGENET_SYNSETS.join('\n'))).toBe(
      '385e0240499426c022b773be1ae4da780f057b89c9694c7f47199f62746b6edd',
    );
    expect([IMAGENET_SYNSETS[0], IMAGENET_SYNSETS[999]]).toEqual(['n01440764', 'n15075141']);
    expect([...IMAGENET_SYNSETS].sort()).toEqual(IMAGENET_SYNSETS);
  });

  test('are each once in the order of the development kit, which begins with the kit fox', () => {
    expect(DEVELOPMENT_KIT_CLASSES[0]).toBe(278);
    expect([...DEVELOPMENT_KIT_CLASSES].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    // The first validation pictures: by the kit's ground truth, and by Caffe's val.txt.
    const kit = [490, 361, 171, 822, 297, 482];
    expect(kit.map((number) => DEVELOPMENT_KIT_CLASSES[number - 1])).toEqual([65, 970, 230, 809, 516, 57]);
  });
});

test.each([
  ['ILSVRC2012_val_00000001.JPEG', 1],
  ['val/n01440764/ILSVRC2012_val_00050000.jpeg', 50_000],
  ['a\\ILSVRC2012_val_00000012.JPEG', 12],
  ['00000001.JPEG', null],
  ['ILSVRC2012_val_0001.JPEG', null],
  ['ILSVRC2012_val_00000001.tar/cat.JPEG', null],
])('the number of %s is %s', (file, number) => {
  expect(imageNumber(file)).toBe(number);
});

describe('readGroundTruth', () => {
  const names = ['ant', 'bee', 'bald eagle'];
  const read = async (text: string, classNames: readonly string[] = names) => {
    await writeFile(path('labels.txt'), text);
    return readGroundTruth(path('labels.txt'), classNames);
  };
  const first = 'ILSVRC2012_val_00000001.JPEG';

  test.each([
    ['spaces', 'a.JPEG 2\nb.JPEG 0\n'],
    ['commas', 'name,label\r\na.JPEG,2\r\nb.JPEG,0\r\n\r\n'],
    ['tabs', 'val/a.png\t2\nval.zip@/b.png\t0'],
    ['names', 'a bald eagle\nb ant'],
    ['quotes', '"a","bald eagle"\n"b","ant"'],
  ])('reads labels behind names: %s', async (_, text) => {
    const labelOf = await read(text);
    expect(['x/a.jpg', 'b.JPEG', 'c.JPEG', 'b.x.JPEG'].map(labelOf)).toEqual([2, 0, undefined, undefined]);
  });

  test('reads synsets for a network of 1000 classes, with boxes behind them', async () => {
    const labelOf = await read(
      'ImageId,PredictionString\na,n01443537 85 1 499 272 n01443537 1 2 3 4\nb,n01440764 1 2 3 4\n',
      IMAGENET_SYNSETS.map((_, i) => `class ${i}`),
    );
    expect(['a', 'b'].map(labelOf)).toEqual([1, 0]);
    await expect(read('a n01443537\n')).rejects.toThrow(DataError);
  });

  test('reads numbers as indices if there is a zero, and as those of the development kit if there is 1000', async () => {
    const indices = await read('2\n0\n1\n');
    expect(
      [first, 'x_00000002.png', 'x_00000003.png', 'x_00000004.png', 'cat.png', 'x_00000000.png'].map(indices),
    ).toEqual([2, 0, 1, undefined, undefined, undefined]);
    const kit = await read('490\n361\n1000\n', IMAGENET_SYNSETS);
    expect([first, 'x_00000002.png'].map(kit)).toEqual([65, 970]);
    expect((await read('999\n0\n', IMAGENET_SYNSETS))(first)).toBe(999);
  });

  test.each([
    ['1\n2\n', names, 'labels from 1 to 2'],
    ['0\n3\n', names, 'labels from 0 to 3'],
    ['0\n1000\n', IMAGENET_SYNSETS, 'labels from 0 to 1000'],
    ['490\n361\n', IMAGENET_SYNSETS, 'labels from 361 to 490'],
    ['1\n1000\n', names, 'labels from 1 to 1000'],
  ])('refuses numbers whose order is not clear: %j', async (text, classNames, got) => {
    await expect(read(text, classNames)).rejects.toThrow(
      refusal(DataError, path('labels.txt'), `labels from 0 to ${classNames.length - 1}`, got),
    );
  });

  test.each([
    ['', '', 'a list of labels', 'an empty file'],
    ['a 0\nb 3\n', ': line 2', 'a number from 0 to 2', '"b 3"'],
    ['a 0\nb cat\n', ': line 2', 'a number from 0 to 2', '"b cat"'],
    ['a x\n', ': line 1', 'the name of a picture', '"a x"'],
    ['a 0\n\nb 1\n', ': line 2', 'the name of a picture', '""'],
    ['x/a.png 0\ny/a.jpg 1\n', ': line 2', 'one label of a', '0 and 1'],
  ])('refuses %j', async (text, at, expected, got) => {
    await expect(read(text)).rejects.toThrow(refusal(DataError, `${path('labels.txt')}${at}`, expected, got));
  });

  test('takes a label that is there twice', async () => {
    expect((await read('a 1\na 1\n'))('a')).toBe(1);
  });
});

describe('readRealLabels', () => {
  const read = async (value: unknown) => {
    await writeFile(path('real.json'), JSON.stringify(value));
    return readRealLabels(path('real.json'), 3);
  };

  test('are those of the number of the picture', async () => {
    const labelsOf = await read([[0, 2], [], [1]]);
    expect(labelsOf('ILSVRC2012_val_00000001.JPEG')).toEqual([0, 2]);
    expect(labelsOf('a/ILSVRC2012_val_00000002.JPEG')).toEqual([]);
    for (const [file, got] of [
      ['ILSVRC2012_val_00000004.JPEG', '4'],
      ['ILSVRC2012_val_00000000.JPEG', '0'],
      ['cat.JPEG', 'none'],
    ]) {
      expect(() => labelsOf(file)).toThrow(refusal(DataError, file, 'a name with a number from 1 to 3', got));
    }
  });

  test.each([
    [{}, 'no list'],
    [[[0], [3]], '[3] for picture 2'],
    [[[0.5]], '[0.5] for picture 1'],
    [[[-1]], '[-1] for picture 1'],
    [[[0], 1], '1 for picture 2'],
  ])('refuses %j', async (value, got) => {
    await expect(read(value)).rejects.toThrow(refusal(DataError, path('real.json'), 'a list of lists of classes', got));
  });
});

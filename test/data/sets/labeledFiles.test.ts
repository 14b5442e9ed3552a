/** Pictures whose labels are in a list, and folders that are named by synsets of ImageNet. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { DataError } from '../../../src/core/errors.js';
import { decodeImage } from '../../../src/data/decode/image.js';
import { isStreamed, type ImageSet } from '../../../src/data/sets/dataset.js';
import { IMAGENET_SYNSETS } from '../../../src/data/sets/imagenetSynsets.js';
import { openLabeledFiles, withImageNetClasses } from '../../../src/data/sets/labeledFiles.js';
import { loadSubset } from '../../../src/data/sets/loadSubset.js';
import { refusal } from '../../io/refusal.js';
import { temporaryFolder } from '../../io/temporaryFolder.js';

const path = temporaryFolder();
const size = [4, 4] as const;
const classNames = ['ant', 'bee'];
/** Red on the left and blue on the right; with an orientation, turned by 180 degrees. */
let turned: Buffer;

beforeAll(async () => {
  const data = Uint8Array.from(
    { length: 48 },
    (_, i) => (Math.floor(i / 3) % 4 < 2 ? [250, 0, 0] : [0, 0, 250])[i % 3],
  );
  const picture = sharp(data, { raw: { width: 4, height: 4, channels: 3 } });
  turned = await picture.clone().withMetadata({ orientation: 3 }).png().toBuffer();
  await mkdir(path('flat', 'more'), { recursive: true });
  await mkdir(path('flat', '.hidden'));
  for (const file of ['b.png', 'a.png', 'more/c.png', '.hidden/d.png', '.e.png']) {
    await writeFile(path('flat', file), turned);
  }
  await writeFile(path('flat', 'val.txt'), 'a 1\nb 0\nmore/c 1\n');
});

const labels = new Map([
  ['a.png', 1],
  ['b.png', 0],
  ['more/c.png', 1],
]);
const labelOf = (file: string): number | undefined => labels.get(file);
const open = (options: object = {}) =>
  openLabeledFiles(path('flat'), { labelOf, classNames }, { size, cache: 'none', ...options });

describe('openLabeledFiles', () => {
  test('lists all pictures with the labels of the list', async () => {
    const set = await open();
    expect(isStreamed(set) && set.files).toMatchObject({
      ...{ root: path('flat'), names: ['a.png', 'b.png', 'more/c.png'], exifOrientation: true },
    });
    expect(set).toMatchObject({ n: 3, classNames, labels: Int32Array.of(1, 0, 1), splitSource: 'whole' });
    expect(await open({ n: 2 })).toMatchObject({ n: 2, labels: Int32Array.of(1, 0) });
  });

  test('names the pictures without a label', async () => {
    labels.delete('b.png');
    await expect(open()).rejects.toThrow(refusal(DataError, path('flat'), 'a label of each picture', 'none of b.png'));
    labels.set('b.png', 0);
  });

  test.each(['none', 'memory'])(
    'follows the EXIF orientation unless it is told not to, with cache %s',
    async (cache) => {
      const red = async (exifOrientation?: boolean): Promise<number[]> => {
        const set = await open({ cache, ...(exifOrientation === undefined ? {} : { exifOrientation }) });
        return [...(await loadSubset(set, [0])).images.subarray(0, 4)];
      };
      expect(await red()).toEqual([0, 0, 250, 250]);
      expect(await red(true)).toEqual([0, 0, 250, 250]);
      expect(await red(false)).toEqual([250, 250, 0, 0]);
      await expect(red('no' as never)).rejects.toMatchObject({ op: 'exifOrientation' });
    },
  );

  test('looks at the first bytes of files, unless it is told not to', async () => {
    labels.set('bad.png', 1);
    await writeFile(path('flat', 'bad.png'), 'no picture');
    await expect(open()).rejects.toThrow(refusal(DataError, 'bad.png', 'a PNG, JPEG or WebP image', ''));
    expect((await open({ checkFiles: false })).n).toBe(4);
    // Those of an archive are left out when it is opened; on disk they are found when they are read.
    expect((await open({ checkFiles: false, onBadImage: 'skip' })).n).toBe(4);
    expect((await open({ cache: 'memory', onBadImage: 'skip' })).skipped).toMatchObject([{ file: 'bad.png' }]);
    await expect(open({ checkFiles: 1 })).rejects.toMatchObject({ op: 'checkFiles' });
  });
});

test('decodeImage keeps a picture as it is stored', async () => {
  const first = async (options: object): Promise<number[]> => [
    ...(await decodeImage(turned, 'a.png', options)).data.subarray(0, 3),
  ];
  expect(await first({})).toEqual([0, 0, 250]);
  expect(await first({ exifOrientation: false })).toEqual([250, 0, 0]);
  await expect(first({ exifOrientation: 0 })).rejects.toMatchObject({ op: 'exifOrientation' });
});

describe('withImageNetClasses', () => {
  const setOf = (names: readonly string[]): ImageSet => ({
    ...{ images: new Uint8Array(9), labels: Uint8Array.of(1, 0, 1), n: 3, channels: 3, height: 1, width: 1 },
    classNames: names,
  });

  test('maps some synsets to the classes of the logits', () => {
    const names = IMAGENET_SYNSETS.map((_, i) => `class ${i}`);
    const set = withImageNetClasses(setOf(['n01443537', 'n15075141']), names);
    expect([...set.labels]).toEqual([999, 1, 999]);
    expect(set.classNames).toBe(names);
    expect(withImageNetClasses(setOf(['n01443537', 'n01440764'])).classNames).toBe(IMAGENET_SYNSETS);
  });

  test('leaves other classes and networks as they are', () => {
    const other = setOf(['n01443537', 'cat']);
    expect(withImageNetClasses(other)).toBe(other);
    const some = setOf(['n01443537', 'n15075141']);
    expect(withImageNetClasses(some, ['a', 'b'])).toBe(some);
  });
});

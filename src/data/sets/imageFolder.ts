import { join } from 'node:path';
import { DataError, ParamError } from '../../core/errors.js';
import { checkSize } from '../../image/pixelImage.js';
import type { FitOptions } from '../../image/preprocess.js';
import { openArchive, type Archive } from './archive.js';
import { MAX_CONCURRENT, mapConcurrent } from '../mapConcurrent.js';
import { classCounts } from './classes.js';
import {
  selectFiles,
  subset,
  evenlySpaced,
  type DataSet,
  type ImageSet,
  type LabeledImages,
  type SkippedImage,
} from './dataset.js';
import { createDecoder } from '../decode/createDecoder.js';
import { checkFileHead } from '../decode/imageHead.js';
import { loadSharp } from '../decode/loadSharp.js';
import { listImages, type SplitOptions } from './imageListing.js';
import { checkMemory, fitsMemory } from './memory.js';

/** What becomes of images that cannot be read, and who hears how far it is. */
export interface DecodeOptions {
  /**
   * 'fail' (the default) refuses the set; 'skip' leaves them out, and says which in `skipped`. Of a set that is
   * streamed, 'fail' looks at how each file begins, and refuses one damaged further on when it is read; 'skip' reads
   * every file once beforehand, so that the set is the same as in memory.
   */
  readonly onBadImage?: 'fail' | 'skip';
  /** Called after every image. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Where the pixels of an image folder are. */
export type Cache = 'memory' | 'none' | 'auto';

/** How every image is brought to its size, as in `fit`; but `crop_pct` is 1 where it is not given. */
export interface ImageFolderOptions extends FitOptions, DecodeOptions, SplitOptions {
  /** At most so many images, evenly spread over the classes. */
  readonly n?: number;
}

export interface CacheOptions {
  /**
   * 'memory' (the default) reads all images now; 'none' reads each when a batch wants it, which wants a folder on the
   * disk; 'auto' is 'none' beyond 2 GiB of pixels, or where `whole` is set, and 'memory' elsewhere. Batches are the
   * same, unless `whole` is set.
   */
  readonly cache?: Cache;
  /**
   * Whether a loader cuts random resized crops out of whole pictures, where it reads them itself, as torchvision and
   * timm do; images in memory are of their size already, and crops are cut out of that. Default false.
   */
  readonly cropFromOriginal?: boolean;
}

/** Options of who wants the pixels at once. */
export interface InMemoryOptions {
  readonly cache?: 'memory';
}

function checkChoice(op: string, words: readonly string[], given: string): void {
  // A caller without types may ask for something else.
  const last = `'${words[words.length - 1]}'`;
  const expected = `${words
    .slice(0, -1)
    .map((word) => `'${word}'`)
    .join(', ')} or ${last}`;
  if (!words.includes(given)) throw new ParamError({ op, expected, got: given });
}

/** @throws DataError where too much would be lost for the rest to be the same set */
function checkSkipped(path: string, bad: readonly SkippedImage[], before: LabeledImages, left: LabeledImages): void {
  const example = bad.length === 0 ? '' : ` (${bad[0].file}: ${bad[0].reason})`;
  if (2 * bad.length > before.n) {
    const got = `${bad.length} of ${before.n} that are none${example}`;
    throw new DataError({ op: path, expected: 'images, half of them good at least', got });
  }
  const after = classCounts(left);
  const lost = classCounts(before).findIndex((count, i) => count > 0 && after[i] === 0);
  if (lost >= 0) {
    const got = `none of ${before.classNames[lost]}${example}`;
    throw new DataError({ op: path, expected: 'a good image of each class', got });
  }
}

/** Does something to every file, some at a time. @returns those that it refused, where they may be left out */
async function forEachImage(
  files: readonly string[],
  { onBadImage = 'fail', onProgress }: DecodeOptions,
  work: (file: string, i: number) => Promise<void>,
): Promise<ReadonlyMap<number, SkippedImage>> {
  const bad = new Map<number, SkippedImage>();
  let done = 0;
  await mapConcurrent(files.length, MAX_CONCURRENT, async (i) => {
    try {
      await work(files[i], i);
    } catch (error) {
      if (onBadImage === 'fail' || !(error instanceof DataError)) throw error;
      bad.set(i, { file: files[i], reason: error.got });
    }
    onProgress?.(++done, files.length);
  });
  return bad;
}

/** Whether images stay on the disk. A tar archive is in memory as it is, and has no files to read them from. */
function shouldStream(
  { path, onDisk }: Archive,
  n: number,
  { size, cache = 'memory', cropFromOriginal: whole = false }: FitOptions & CacheOptions,
): boolean {
  checkChoice('cache', ['memory', 'none', 'auto'], cache);
  if (onDisk && (cache === 'none' || (cache === 'auto' && (whole || !fitsMemory(n, size))))) return true;
  checkMemory(path, n, size, onDisk ? 'all as they are needed (--cache none)' : 'the archive unpacked');
  return false;
}

/** An image folder out of an archive that is open. */
export function openImageFolder(archive: Archive, options: ImageFolderOptions & InMemoryOptions): Promise<ImageSet>;
export function openImageFolder(archive: Archive, options: ImageFolderOptions & CacheOptions): Promise<DataSet>;
export async function openImageFolder(archive: Archive, options: ImageFolderOptions & CacheOptions): Promise<DataSet> {
  const { size, resize, interpolation, onBadImage = 'fail' } = options;
  checkSize(size);
  checkChoice('onBadImage', ['fail', 'skip'], onBadImage);
  // No smaller than it must be; what of a picture lies beside the middle that has the target's proportions is lost.
  const fit: FitOptions = {
    ...{ size, crop_pct: options.crop_pct ?? 1 },
    ...(resize === undefined ? {} : { resize }),
    ...(interpolation === undefined ? {} : { interpolation }),
  };
  const decode = createDecoder(fit);
  const { files: all, labels, ...rest } = listImages(archive, options);
  const positions = evenlySpaced(all.length, options.n ?? all.length);
  const names = positions.map((position) => all[position]);
  const n = names.length;
  const [height, width] = size;
  const length = 3 * height * width;
  const about = {
    ...{ n, channels: 3, height, width, ...rest },
    labels: Int32Array.from(positions, (position) => labels[position]),
  };

  const toStream = shouldStream(archive, n, options);
  await loadSharp(archive.path);
  const images = new Uint8Array(toStream ? 0 : n * length);
  const toMemory = async (file: string, i: number): Promise<void> =>
    decode(await archive.read(file), `${archive.path}/${file}`, images.subarray(i * length, (i + 1) * length));
  const read = async (file: string): Promise<void> =>
    decode(await archive.read(file), join(archive.path, file), new Uint8Array(length));
  const look = (file: string): Promise<void> => checkFileHead(join(archive.path, file));
  const bad = await forEachImage(names, options, !toStream ? toMemory : onBadImage === 'skip' ? read : look);

  const files = { root: archive.path, names };
  const held = { ...about, images, ...(archive.onDisk ? { sourceFiles: files } : {}) };
  const good = positions.map((_, i) => i).filter((i) => !bad.has(i));
  const left: DataSet = toStream
    ? {
        ...about,
        n: good.length,
        labels: Int32Array.from(good, (i) => about.labels[i]),
        files: { ...selectFiles(files, good), fit, cropFromOriginal: options.cropFromOriginal ?? false },
      }
    : bad.size === 0
      ? held
      : subset(held, good);
  if (onBadImage === 'fail') return left;
  const skipped = [...bad].sort(([a], [b]) => a - b).map(([, image]) => image);
  checkSkipped(archive.path, skipped, about, left);
  return { ...left, skipped };
}

/**
 * Reads root/<class>/<file> or root/<split>/<class>/<file>, from a folder or a tar
 * archive. The classes are the folders' names, sorted.
 *
 * @throws DataError naming the file that is no image or in no class, or the empty class.
 */
export const readImageFolder = async (root: string, options: ImageFolderOptions): Promise<ImageSet> =>
  openImageFolder(await openArchive(root), options);

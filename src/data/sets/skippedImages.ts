import { DataError } from '../../core/errors.js';
import { MAX_CONCURRENT, mapConcurrent } from '../mapConcurrent.js';
import { classCounts } from './classes.js';
import type { LabeledImages, SkippedImage } from './dataset.js';
import type { DecodeOptions } from './imageFolderOptions.js';

/**
 * Calls `work` for every file, several at a time.
 *
 * @returns with onBadImage 'skip', the files for which `work` threw a DataError, by index
 * @throws the error of `work`, with onBadImage 'fail' or for any other error
 */
export async function forEachImage(
  files: readonly string[],
  { onBadImage = 'fail', onProgress }: DecodeOptions,
  work: (file: string, i: number) => Promise<void>,
): Promise<ReadonlyMap<number, SkippedImage>> {
  const skipped = new Map<number, SkippedImage>();
  let done = 0;
  await mapConcurrent(files.length, MAX_CONCURRENT, async (i) => {
    try {
      await work(files[i], i);
    } catch (error) {
      if (onBadImage === 'fail' || !(error instanceof DataError)) throw error;
      skipped.set(i, { file: files[i], reason: error.got });
    }
    await onProgress?.(++done, files.length);
  });
  return skipped;
}

/**
 * Refuses a set that has lost most of its images, or all images of a class: it is no longer the same set.
 *
 * @throws DataError with the first skipped image
 */
export function checkSkipped(
  path: string,
  skipped: readonly SkippedImage[],
  all: LabeledImages,
  remaining: LabeledImages,
): void {
  const example = skipped.length === 0 ? '' : ` (${skipped[0].file}: ${skipped[0].reason})`;
  if (2 * skipped.length > all.n) {
    const got = `${skipped.length} unreadable ones of ${all.n}${example}`;
    throw new DataError({
      op: path,
      expected: 'at least half of the images readable',
      got,
      hint: 'Is it the right folder? If so, copy it again.',
    });
  }
  const counts = classCounts(remaining);
  const lostClass = classCounts(all).findIndex((count, i) => count > 0 && counts[i] === 0);
  if (lostClass >= 0) {
    const got = `none of ${all.classNames[lostClass]}${example}`;
    const hint = 'Repair a picture of this class, or remove its folder.';
    throw new DataError({ op: path, expected: 'a readable image of each class', got, hint });
  }
}

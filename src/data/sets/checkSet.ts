/** Checks of data sets and positions that a caller passes, who may not use TypeScript. */
import { checkInteger, isRecord, show, tagOf } from '../../core/check.js';
import { DataError, ParamError } from '../../core/errors.js';

const refuse = (op: string, expected: string, value: unknown): never => {
  throw new ParamError({ op, expected, got: show(value) });
};

const SAME_IMAGES = 'Labels, pixels or files, and n must be those of the same images.';

const isTextList = (value: unknown): value is readonly string[] =>
  // `every` would pass over holes.
  Array.isArray(value) && Array.from(value as unknown[]).every((each) => typeof each === 'string');

/** @throws ParamError */
export const checkText = (op: string, value: unknown, expected = 'a text'): string =>
  typeof value === 'string' ? value : refuse(op, expected, value);

/** @throws ParamError */
export const checkTexts = (op: string, value: unknown): readonly string[] =>
  isTextList(value) ? value : refuse(op, 'a list of texts', value);

/** A list of finite numbers, as a copy. @throws ParamError */
export function checkNumbers(op: string, value: unknown): number[] {
  if (Array.isArray(value) && Array.from(value as unknown[]).every(Number.isFinite)) {
    return [...(value as number[])];
  }
  return refuse(op, 'a list of finite numbers', value);
}

interface Sizes {
  readonly labels: ArrayLike<number>;
  readonly n: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly classNames: readonly string[];
  readonly images?: unknown;
  readonly files?: unknown;
}

/**
 * Checks that a value is a data set, and that its labels and classes match.
 *
 * @throws ParamError naming a property of another type, DataError for labels that do not match
 */
export function checkLabeledImages(op: string, value: unknown): void {
  if (!isRecord(value)) return refuse(op, 'a data set', value);
  if (!['Uint8Array', 'Int32Array'].includes(tagOf(value['labels']))) {
    refuse(`${op}: labels`, 'a Uint8Array or an Int32Array', value['labels']);
  }
  checkInteger(`${op}: n`, value['n'], { min: 0 });
  for (const key of ['channels', 'height', 'width'])
    checkInteger(`${op}: ${key}`, value[key], { min: 1, max: 2 ** 32 });
  if (!isTextList(value['classNames']) || value['classNames'].length === 0) {
    refuse(`${op}: classNames`, 'the names of one class or more', value['classNames']);
  }
  const { labels, n, classNames } = value as unknown as Sizes;
  if (labels.length !== n) {
    throw new DataError({
      op,
      expected: `${n} labels, one for each image`,
      got: `${labels.length}`,
      hint: SAME_IMAGES,
    });
  }
  for (let i = 0; i < n; i++) {
    if (labels[i] >= 0 && labels[i] < classNames.length) continue;
    const expected = `labels from 0 to ${classNames.length - 1}`;
    throw new DataError({
      op,
      expected,
      got: `${labels[i]} of image ${i}`,
      hint: 'Labels are indices into classNames.',
    });
  }
}

/**
 * Checks that a value is a data set, and that its pixels or files, its labels and its classes match.
 *
 * @throws ParamError for a value that is no data set, DataError for one that is inconsistent
 */
export function checkSet(op: string, value: object): void {
  checkLabeledImages(op, value);
  const { n, channels, height, width, images, files } = value as Sizes;
  if (files !== undefined) {
    if (!isRecord(files) || typeof files['root'] !== 'string' || !isTextList(files['names'])) {
      return refuse(`${op}: files`, 'a root and names', files);
    }
    const { length } = files['names'];
    if (length !== n)
      throw new DataError({ op, expected: `${n} files, one for each image`, got: `${length}`, hint: SAME_IMAGES });
    return;
  }
  if (tagOf(images) !== 'Uint8Array') return refuse(`${op}: images`, 'a Uint8Array', images);
  const [{ length }, size] = [images as Uint8Array, n * channels * height * width];
  if (length !== size)
    throw new DataError({ op, expected: `${size} pixels of ${n} images`, got: `${length}`, hint: SAME_IMAGES });
}

/**
 * Checks positions of images: a list or a typed array of integers from 0 to n - 1.
 *
 * @returns the positions as a copy
 * @throws ParamError
 */
export function checkPositions(op: string, value: unknown, n: number): Int32Array {
  const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && tagOf(value) !== 'DataView');
  if (!isList) return refuse(op, 'a list of positions', value);
  const list = value as ArrayLike<unknown>;
  const positions = new Int32Array(list.length);
  for (let k = 0; k < list.length; k++)
    positions[k] = checkInteger(`${op}: positions[${k}]`, list[k], { min: 0, max: n - 1 });
  return positions;
}

/** Lists of labels in files: of pictures that are not in folders of their classes. */
import { parseJson } from '../../core/json.js';
import { DataError } from '../../core/errors.js';
import { readBytes } from '../../io/readFile.js';
import { DEVELOPMENT_KIT_CLASSES, IMAGENET_SYNSETS } from './imagenetSynsets.js';
import { normalizeName } from './normalizeName.js';

/** Bytes of a list of labels: those of all 1.3 million pictures of ImageNet take 60 MB. */
const LARGEST = 2 ** 27;

/** The label of a picture by its path; undefined if the list does not have it. */
export type LabelOf = (file: string) => number | undefined;

/** The last part of a path, without its ending: lists have other folders and endings. */
const stemOf = (file: string): string => file.replace(/^.*[/\\]/s, '').replace(/\.[^.]*$/, '');

/** The number of a picture of ImageNet, from 1, as in ILSVRC2012_val_00000001.JPEG; null for another name. */
export function imageNumber(file: string): number | null {
  const digits = /_(\d{8})$/.exec(stemOf(file))?.[1];
  return digits === undefined ? null : Number(digits);
}

/** The label that a word names: an index, a synset of ImageNet, or the name of a class. */
function labelReader(classNames: readonly string[]): (word: string) => number | undefined {
  const byName = new Map(classNames.map((name, i) => [normalizeName(name), i]));
  const bySynset = new Map(IMAGENET_SYNSETS.map((name, i) => [name, i]));
  const hasSynsets = classNames.length === IMAGENET_SYNSETS.length;
  return (word) => {
    const label = /^\d+$/.test(word)
      ? Number(word)
      : (byName.get(normalizeName(word)) ?? (hasSynsets ? bySynset.get(word) : undefined));
    return label !== undefined && label < classNames.length ? label : undefined;
  };
}

/**
 * Labels without names, one a line: the i-th is that of the picture with the number i + 1.
 *
 * @throws DataError if they may be those of the development kit of ImageNet or indices, which have another order
 */
function readNumbers(path: string, lines: readonly string[], classes: number): LabelOf {
  const numbers = lines.map(Number);
  const [least, largest] = numbers.reduce(([a, b], n) => [Math.min(a, n), Math.max(b, n)], [Infinity, -Infinity]);
  const isKit = least >= 1 && largest === DEVELOPMENT_KIT_CLASSES.length && classes === largest;
  if (!isKit && (least > 0 || largest >= classes)) {
    const hint =
      'Without the first or the last class, it is not clear whether they count from 0 or from 1. Write a name before each: ILSVRC2012_val_00000001.JPEG 65.';
    throw new DataError({
      op: path,
      expected: `labels from 0 to ${classes - 1}, or those of the development kit of ImageNet, from 1 to 1000`,
      got: `labels from ${least} to ${largest}`,
      hint,
    });
  }
  return (file) => {
    const number = imageNumber(file);
    const label = number === null ? undefined : numbers.at(number - 1);
    return number === null || number < 1 || label === undefined
      ? undefined
      : isKit
        ? DEVELOPMENT_KIT_CLASSES[label - 1]
        : label;
  };
}

/** Labels after the names of pictures. @throws DataError naming the line */
function readPairs(path: string, lines: readonly string[], classNames: readonly string[]): LabelOf {
  const readLabel = labelReader(classNames);
  const labels = new Map<string, number>();
  for (const [i, line] of lines.entries()) {
    const [, file = '', rest = ''] = /^"?([^\s,"]+)"?[\s,]+(.*)$/.exec(line) ?? [];
    const text = rest.trim().replace(/^"(.*)"$/, '$1');
    // LOC_val_solution.csv has the corners of boxes behind the synset.
    const label = readLabel(text) ?? readLabel(text.split(/[\s,]/)[0]);
    if (label === undefined) {
      // The names of the columns.
      if (i === 0 && lines.length > 1) continue;
      throw new DataError({
        op: `${path}: line ${i + 1}`,
        expected: `the name of a picture, and its class: a number from 0 to ${classNames.length - 1}, or a name`,
        got: JSON.stringify(line.slice(0, 60)),
      });
    }
    const key = stemOf(file);
    const known = labels.get(key);
    if (known !== undefined && known !== label) {
      const got = `${known} and ${label}`;
      throw new DataError({ op: `${path}: line ${i + 1}`, expected: `one label of ${key}`, got });
    }
    labels.set(key, label);
  }
  return (file) => labels.get(stemOf(file));
}

/**
 * Reads a list of labels: a line for each picture, with its name and an index, a synset or a class name, as in Caffe's
 * `val.txt` and `LOC_val_solution.csv`; or only numbers, as in `ILSVRC2012_validation_ground_truth.txt`.
 *
 * @param classNames those of the network
 * @throws DataError naming the line of an invalid label
 */
export async function readGroundTruth(path: string, classNames: readonly string[]): Promise<LabelOf> {
  const bytes = await readBytes(path, DataError, { limit: LARGEST });
  const lines = new TextDecoder()
    .decode(bytes)
    .split(/\r?\n/)
    .map((line) => line.trim());
  while (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) throw new DataError({ op: path, expected: 'a list of labels', got: 'an empty file' });
  return lines.every((line) => /^\d+$/.test(line))
    ? readNumbers(path, lines, classNames.length)
    : readPairs(path, lines, classNames);
}

/** The classes that a picture shows, by its path; empty if it is left out. */
export type RealLabelsOf = (file: string) => readonly number[];

const isLabels = (value: unknown, classes: number): value is readonly number[] =>
  Array.isArray(value) && value.every((label) => Number.isInteger(label) && label >= 0 && label < classes);

/**
 * Reads reassessed labels (ReaL): JSON, a list of classes for each picture by its number.
 *
 * @param classes the number of classes
 * @throws DataError for another file; when called, for a picture without a number in the list
 */
export async function readRealLabels(path: string, classes: number): Promise<RealLabelsOf> {
  const value: unknown = parseJson(await readBytes(path, DataError, { limit: LARGEST }), { op: path });
  const expected = 'a list of lists of classes, one for each picture';
  const refuse = (got: string): never => {
    throw new DataError({ op: path, expected, got, hint: 'Pass real.json of google-research/reassessed-imagenet.' });
  };
  if (!Array.isArray(value)) return refuse('no list');
  const lists: unknown[] = value;
  const wrong = lists.findIndex((list) => !isLabels(list, classes));
  if (wrong >= 0) refuse(`${JSON.stringify(lists[wrong]).slice(0, 60)} for picture ${wrong + 1}`);
  return (file) => {
    const number = imageNumber(file);
    const list = number === null ? undefined : (lists[number - 1] as readonly number[] | undefined);
    if (list !== undefined) return list;
    const got = number === null ? 'none' : `${number}`;
    const hint =
      'ReaL labels are for the validation pictures of ImageNet, under their own names: ILSVRC2012_val_00000001.JPEG.';
    throw new DataError({ op: file, expected: `a name with a number from 1 to ${lists.length}`, got, hint });
  };
}

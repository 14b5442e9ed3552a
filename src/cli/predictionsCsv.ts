/** The predictions of `eval` as CSV, written as they come, and continued after an interruption. */
import { readFile, stat, truncate } from 'node:fs/promises';
import { isRecord } from '../core/check.js';
import { escapeControls } from '../core/escapeControls.js';
import { DataError, ParamError } from '../core/errors.js';
import { parseJson } from '../core/json.js';
import { appendWhole } from '../io/appendWhole.js';
import { atomicWrite } from '../io/atomicWrite.js';
import { lock, type Lock } from '../io/lock.js';
import { readBytes } from '../io/readFile.js';
import { hintOf, reasonOf } from '../io/reason.js';
import { csvCell } from '../report/confusion.js';

/** An image of the set. */
export interface RankedImage {
  readonly file: string;
  readonly label: number;
  /** The most probable classes, best first, and the cross-entropy in nats; null if the image could not be read. */
  readonly result: {
    readonly indices: readonly number[];
    readonly probabilities: readonly number[];
    readonly loss: number;
  } | null;
}

/** What identifies the weights, the data and their preparation: values of JSON. */
export type EvalSettings = Readonly<Record<string, unknown>>;

/** Digits of a probability: those of float32. */
const DIGITS = 7;

/** The images of a set, in their order. */
export interface SetNames {
  readonly files: readonly string[];
  readonly labels: ArrayLike<number>;
  readonly classNames: readonly string[];
}

export interface CsvOptions {
  readonly settings: EvalSettings;
  /** The number of classes in a row. */
  readonly k: number;
  /** Whether a file of an interrupted run is continued. */
  readonly resume: boolean;
  /** Rows that are written at a time: others are removed. */
  readonly batch: number;
}

/**
 * Checks, before a long computation, that no file of predictions would be lost.
 *
 * @returns whether there is a file
 * @throws ParamError for one that is not to be continued
 */
export async function checkNew(path: string, resume: boolean): Promise<boolean> {
  const isThere = (await stat(path).catch(() => null)) !== null;
  if (!isThere || resume) return isThere;
  const hint = 'Add --resume to continue it, or remove it, or name another one.';
  throw new ParamError({ op: path, expected: 'a file that does not exist yet', got: 'one that exists', hint });
}

const descriptionOf = (path: string): string => `${path}.json`;

/** Bytes of a description. */
const LARGEST_DESCRIPTION = 2 ** 20;

export class PredictionsCsv {
  private constructor(
    readonly path: string,
    private readonly names: SetNames,
    private readonly k: number,
    private readonly release: Lock,
    /** The images of the rows that were there. */
    readonly former: readonly RankedImage[],
  ) {}

  /**
   * Creates the file and a description beside it, or opens those of an interrupted run: a last row that is not whole is
   * removed.
   *
   * @throws ParamError for a file that exists, unless it is to be continued; for one of other weights, data or settings; if
   *   another process writes it
   * @throws DataError naming the row of a file that was changed
   */
  static async open(
    path: string,
    names: SetNames,
    { settings, k, resume, batch }: CsvOptions,
  ): Promise<PredictionsCsv> {
    const release = await lock(`${path}.lock`, 'writes these predictions');
    try {
      const isThere = await checkNew(path, resume);
      const head = `${columnsOf(k).join(',')}\n`;
      if (!isThere) {
        await atomicWrite(descriptionOf(path), `${JSON.stringify(settings, null, 2)}\n`);
        await appendWhole(path, head);
        return new PredictionsCsv(path, names, k, release, []);
      }
      await checkDescription(path, settings);
      const former = await readRows(path, head, names, { k, batch });
      return new PredictionsCsv(path, names, k, release, former);
    } catch (error) {
      await release();
      throw error;
    }
  }

  async append(images: readonly RankedImage[]): Promise<void> {
    await appendWhole(this.path, images.map((image) => `${rowOf(image, this.names.classNames, this.k)}\n`).join(''));
  }

  async close(): Promise<void> {
    await this.release();
  }
}

const numbered = (name: string, k: number): string[] => Array.from({ length: k }, (_, i) => `${name}_${i}`);

/** The columns: those of classes and probabilities as timm names them. */
const columnsOf = (k: number): readonly string[] => [
  ...['filename', 'label', ...numbered('index', k), ...numbered('prob', k)],
  ...['loss', 'label_name', 'name_0'],
];

/** Whatever the name of a file: in one line. */
const fileCell = (file: string): string => csvCell(escapeControls(file));

function rowOf({ file, label, result }: RankedImage, classNames: readonly string[], k: number): string {
  const { indices, probabilities, loss } = result ?? { indices: [], probabilities: [], loss: '' };
  const cells = (values: readonly number[]): string[] => Array.from({ length: k }, (_, i) => `${values.at(i) ?? ''}`);
  return [
    ...[fileCell(file), `${label}`, ...cells(indices)],
    ...cells(probabilities.map((probability) => Number(probability.toPrecision(DIGITS)))),
    ...[`${loss}`, csvCell(classNames[label]), csvCell(indices.length > 0 ? classNames[indices[0]] : '')],
  ].join(',');
}

/** An image from its row; null for a row that `rowOf` does not write for it. */
function imageOf(
  row: string,
  [file, label]: readonly [string, number],
  names: SetNames,
  k: number,
): RankedImage | null {
  const start = `${fileCell(file)},${label},`;
  if (!row.startsWith(start)) return null;
  const values = row.slice(start.length).split(',', 2 * k + 1);
  const isEmpty = values.every((value) => value === '');
  const [indices, probabilities, [loss]] = [values.slice(0, k), values.slice(k, 2 * k), values.slice(2 * k)].map(
    (part) => part.map(Number),
  );
  const image = { file, label, result: isEmpty ? null : { indices, probabilities, loss } };
  const isKnown = indices.every((index) => index in names.classNames);
  return isKnown && rowOf(image, names.classNames, k) === row ? image : null;
}

/** @throws ParamError naming the first setting that differs */
async function checkDescription(path: string, settings: EvalSettings): Promise<void> {
  const file = descriptionOf(path);
  const hint = 'Continue it with the same weights, data and options, or name another file.';
  const former: unknown = await readBytes(file, DataError, { limit: LARGEST_DESCRIPTION })
    .then((bytes) => parseJson(bytes, { op: file }))
    .catch((cause: unknown) => {
      const { got } = cause as DataError;
      throw new ParamError({ op: file, expected: `the description of ${path}`, got, hint }, { cause });
    });
  const own = JSON.parse(JSON.stringify(settings)) as EvalSettings;
  const difference = firstDifference(isRecord(former) ? former : {}, own, '');
  if (difference === null) return;
  const [key, before, now] = difference;
  throw new ParamError({ op: path, expected: `${key} ${before}, as when it was begun`, got: now, hint });
}

type Difference = readonly [key: string, before: string, now: string];

function firstDifference(before: EvalSettings, now: EvalSettings, prefix: string): Difference | null {
  for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const [a, b] = [before[key], now[key]];
    const difference =
      isRecord(a) && isRecord(b)
        ? firstDifference(a, b, `${prefix}${key}.`)
        : JSON.stringify(a) === JSON.stringify(b)
          ? null
          : ([`${prefix}${key}`, textOf(a), textOf(b)] as const);
    if (difference !== null) return difference;
  }
  return null;
}

const textOf = (value: unknown): string => (value === undefined ? 'none' : JSON.stringify(value));

/** The images of the whole rows of a file, of which whole batches are kept. */
async function readRows(
  path: string,
  head: string,
  names: SetNames,
  { k, batch }: { readonly k: number; readonly batch: number },
): Promise<readonly RankedImage[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new DataError(
      { op: path, expected: 'a readable file', got: reasonOf(cause), hint: hintOf(cause) },
      { cause },
    );
  });
  if (head.startsWith(text)) {
    await truncate(path, 0);
    await appendWhole(path, head);
    return [];
  }
  const hint = 'It was changed, or is another file. Remove it to begin again.';
  const refuse = (line: number, expected: string): never => {
    throw new DataError({ op: `${path}: line ${line}`, expected, got: 'another one', hint });
  };
  if (!text.startsWith(head)) refuse(1, `the columns ${head.trim()}`);
  const rows = text.slice(head.length).split('\n').slice(0, -1);
  if (rows.length > names.files.length) refuse(names.files.length + 2, 'the end of the file');
  const images = rows.map((row, i) => {
    const image = imageOf(row, [names.files[i], names.labels[i]], names, k);
    return image ?? refuse(i + 2, `the predictions of ${names.files[i]}`);
  });
  // The last batch of the set may be smaller.
  const whole = images.length === names.files.length ? images.length : images.length - (images.length % batch);
  const kept = [head, ...rows.slice(0, whole).map((row) => `${row}\n`)].join('');
  await truncate(path, Buffer.byteLength(kept)).catch((cause: unknown) => {
    throw new ParamError(
      { op: path, expected: 'a file to write', got: reasonOf(cause), hint: hintOf(cause) },
      { cause },
    );
  });
  return images.slice(0, whole);
}

/** The data and backend of a run. A run that resumes with others yields other weights. */
import { ParamError } from '../core/errors.js';
import { isStreamed, type DataSet } from '../data/sets/dataset.js';
import { fingerprint, type Fingerprint } from '../data/sets/fingerprint.js';

export interface SetOrigin extends Fingerprint {
  readonly images: number;
  /** Height and width, before augmentation. */
  readonly size: readonly [number, number];
  /** Whether random resized crops are cut out of the original pictures instead. */
  readonly whole?: true;
}

/** The options that selected the data; null for those that were not given. */
export interface DataSelection {
  /** The name or path of the data set. */
  readonly spec: string;
  readonly limit: number | null;
  readonly val_limit: number | null;
  readonly val_split: number | null;
}

export interface DataOrigin extends DataSelection {
  readonly class_names: readonly string[];
  readonly train: SetOrigin;
  readonly held_out: SetOrigin | null;
}

/** Flags of the command line that do not change the result, or that the identity of the data covers. */
export interface StoredFlags {
  readonly imageSize?: readonly [number, number];
  readonly cache?: string;
  readonly onBadImage?: string;
  readonly workers?: number;
  readonly threads?: number | 'auto';
  readonly checkpointEvery?: number;
  readonly logEvery?: number;
  readonly tensorboard?: boolean;
}

/** The weights that a run started from. */
export interface InitOrigin {
  /** The path of the file. */
  readonly file: string;
  /** Of the file; of weights in several files, of these one after the other. */
  readonly sha256: string;
  readonly bytes: number;
  /** For example `PyTorch checkpoint (zip)`. */
  readonly format: string;
  /** The keys that lead to the weights in the file, such as `model_ema`; empty if the file has no others. */
  readonly source: string;
  /** Whether they are an exponential moving average. */
  readonly ema: boolean;
  /** The last epoch that they were trained, from 0; null if the file does not say. */
  readonly epoch: number | null;
  readonly form: 'train' | 'deploy';
  /** Null if the file does not say. */
  readonly lambda: number | null;
  /** Tensors of the file that are not of the network. */
  readonly left_out: readonly string[];
  /** Tensors of the network that are those of the file, and those that were drawn. */
  readonly taken: readonly string[];
  readonly redrawn: readonly string[];
}

export interface Origin {
  /** The backend, with its build or engine: `wasm plain`, `tfjs:tfjs-node-gpu`. */
  readonly backend: string;
  readonly data: DataOrigin;
  /** Absent for a run that started from random weights. */
  readonly init?: InitOrigin;
  /** So that a run can be resumed without them. Absent in files of earlier versions. */
  readonly flags?: StoredFlags;
}

async function setOrigin(set: DataSet): Promise<SetOrigin> {
  const whole = isStreamed(set) && set.files.cropFromOriginal === true ? ({ whole: true } as const) : {};
  return { images: set.n, size: [set.height, set.width], ...whole, ...(await fingerprint(set)) };
}

/** Identifies the data of a run. @throws DataError naming a file that is missing */
export async function dataOrigin(
  { train, validation }: { readonly train: DataSet; readonly validation: DataSet | null },
  choice: DataSelection,
): Promise<DataOrigin> {
  return {
    ...choice,
    class_names: train.classNames,
    train: await setOrigin(train),
    held_out: validation === null ? null : await setOrigin(validation),
  };
}

const listingDigest = ({ of, sha256, listing }: SetOrigin): string | undefined => (of === 'files' ? sha256 : listing);

/** Compares pixels if both sets were in memory; file names and sizes if one was in memory and one on disk. */
function hasSameImages(a: SetOrigin, b: SetOrigin): boolean {
  if (a.of === b.of) return a.sha256 === b.sha256;
  const listing = listingDigest(a);
  return listing !== undefined && listing === listingDigest(b);
}

const isSameSet = (a: SetOrigin | null, b: SetOrigin | null): boolean =>
  a === null || b === null
    ? a === b
    : a.images === b.images && a.size.join() === b.size.join() && a.whole === b.whole && hasSameImages(a, b);

/** With other classes, the labels would have other meanings. */
const hasSameClasses = (a: DataOrigin, b: DataOrigin): boolean =>
  JSON.stringify(a.class_names) === JSON.stringify(b.class_names);

/** The name of the set is not compared: data may be moved. */
const isSameData = (a: DataOrigin, b: DataOrigin): boolean =>
  hasSameClasses(a, b) && isSameSet(a.train, b.train) && isSameSet(a.held_out, b.held_out);

function describe({ spec, class_names, train, held_out, ...flags }: DataOrigin): string {
  const words = ({ images, size, whole, of, sha256, listing }: SetOrigin): string => {
    const files = listing === undefined ? '' : `, ${listing.slice(0, 12)} of files`;
    const sizes = whole === true ? 'any size' : size.join('x');
    return `${images} of ${sizes} (sha256 ${sha256.slice(0, 12)} of ${of}${files})`;
  };
  const heldOut = held_out === null ? 'none' : words(held_out);
  const options = (['limit', 'val_limit', 'val_split'] as const).flatMap((key) =>
    flags[key] === null ? [] : [` --${key.replace('_', '-')} ${flags[key]}`],
  );
  return `${spec}${options.join('')}: ${class_names.length} classes, ${words(train)} to train on, ${heldOut} held out`;
}

/** The flags that select a backend. */
function flagsOf(backend: string): string {
  const [name, build] = backend.split(' ') as [string, string?];
  const flags = `--backend ${name}`;
  return build === undefined ? flags : `${flags} --build ${build}`;
}

/**
 * Requires that a run resumes with the data and backend of its checkpoint.
 *
 * @param before the origin in the checkpoint; null for version 1, which has none
 * @param acceptData whether other images of the same classes are accepted
 * @throws ParamError that describes both
 */
export function checkOrigin(before: Origin | null, now: Origin, { acceptData = false } = {}): void {
  if (before === null) return;
  if (before.backend !== now.backend) {
    const expected = `${before.backend}, as in the checkpoint`;
    const hint = `Resume with ${flagsOf(before.backend)}: another backend yields other weights.`;
    throw new ParamError({ op: 'resume', expected, got: now.backend, hint });
  }
  const isAccepted = acceptData && hasSameClasses(before.data, now.data);
  if (!isAccepted && !isSameData(before.data, now.data)) {
    const expected = `the data of the checkpoint (${describe(before.data)})`;
    const hint = hasSameClasses(before.data, now.data) ? 'Accept other images with --accept-data.' : undefined;
    throw new ParamError({ op: 'resume', expected, got: describe(now.data), hint });
  }
}

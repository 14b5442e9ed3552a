/** What a run was made of beside recipe and network: a resume that changes it does not go on to the same bits. */
import { ParamError } from '../core/errors.js';
import { isStreamed, type DataSet } from '../data/sets/dataset.js';
import { fingerprint, type Fingerprint } from '../data/sets/fingerprint.js';

export interface SetOrigin extends Fingerprint {
  readonly images: number;
  /** Height and width, before augmentation. */
  readonly size: readonly [number, number];
  /** Where crops are cut out of the whole pictures instead. */
  readonly whole?: true;
}

/** How the user chose; null where nothing was said. */
export interface DataSelection {
  /** What was opened, as the user calls it. */
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

export interface Origin {
  /** What computed it, and by which build or engine: `wasm plain`, `tfjs:tfjs-node-gpu`. */
  readonly backend: string;
  readonly data: DataOrigin;
}

async function setOrigin(set: DataSet): Promise<SetOrigin> {
  const whole = isStreamed(set) && set.files.cropFromOriginal === true ? ({ whole: true } as const) : {};
  return { images: set.n, size: [set.height, set.width], ...whole, ...(await fingerprint(set)) };
}

/** @throws DataError naming a file that is gone */
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

/** By their pixels where both have them; by their files where they were kept in memory once and on the disk once. */
function hasSameImages(a: SetOrigin, b: SetOrigin): boolean {
  if (a.of === b.of) return a.sha256 === b.sha256;
  const listing = listingDigest(a);
  return listing !== undefined && listing === listingDigest(b);
}

const isSameSet = (a: SetOrigin | null, b: SetOrigin | null): boolean =>
  a === null || b === null
    ? a === b
    : a.images === b.images && a.size.join() === b.size.join() && a.whole === b.whole && hasSameImages(a, b);

/** Of others, labels would mean others. */
const hasSameClasses = (a: DataOrigin, b: DataOrigin): boolean =>
  JSON.stringify(a.class_names) === JSON.stringify(b.class_names);

/** As the user calls it is not compared: data may move. */
const isSameData = (a: DataOrigin, b: DataOrigin): boolean =>
  hasSameClasses(a, b) && isSameSet(a.train, b.train) && isSameSet(a.held_out, b.held_out);

function describe({ spec, class_names, train, held_out, ...flags }: DataOrigin): string {
  const words = ({ images, size, whole, of, sha256, listing }: SetOrigin): string => {
    const files = listing === undefined ? '' : `, ${listing.slice(0, 12)} of files`;
    const sizes = whole === true ? 'any size' : size.join('x');
    return `${images} of ${sizes} (sha256 ${sha256.slice(0, 12)} of ${of}${files})`;
  };
  const held = held_out === null ? 'none' : words(held_out);
  const said = (['limit', 'val_limit', 'val_split'] as const).flatMap((key) =>
    flags[key] === null ? [] : [` --${key.replace('_', '-')} ${flags[key]}`],
  );
  return `${spec}${said.join('')}: ${class_names.length} classes, ${words(train)} to train on, ${held} held out`;
}

/** How a backend is asked for again. */
function flagsOf(backend: string): string {
  const [name, build] = backend.split(' ') as [string, string?];
  const flags = `--backend ${name}`;
  return build === undefined ? flags : `${flags} --build ${build}`;
}

/**
 * @param was null where a checkpoint does not say, as those of version 1
 * @param acceptData whether other images of the same classes will do
 * @throws ParamError that says what was and what is
 */
export function checkOrigin(was: Origin | null, now: Origin, { acceptData = false } = {}): void {
  if (was === null) return;
  if (was.backend !== now.backend) {
    const expected = `${was.backend}, as in the checkpoint, which alone goes on to the same bits (${flagsOf(was.backend)})`;
    throw new ParamError({ op: 'resume', expected, got: now.backend });
  }
  const isAccepted = acceptData && hasSameClasses(was.data, now.data);
  if (!isAccepted && !isSameData(was.data, now.data)) {
    const expected = `the data of the checkpoint (${describe(was.data)}), or --accept-data`;
    throw new ParamError({ op: 'resume', expected, got: describe(now.data) });
  }
}

/** Reads CIFAR-10 and CIFAR-100 (see cifarLayouts.ts). */
import { checkOneOf } from '../../core/check.js';
import { DataError } from '../../core/errors.js';
import { openArchive, type Archive } from './archive.js';
import { SIDE, PIXELS } from './cifarBatch.js';
import type { Batch } from './cifarBatch.js';
import { CIFAR10, CIFAR100, type CifarKind, type Layout } from './cifarLayouts.js';
import type { ImageSet, Split } from './dataset.js';
import { listNames } from './listNames.js';

const AGAIN = 'A part of the data set is missing or damaged: download it again.';

const KINDS: readonly CifarKind[] = [CIFAR10, CIFAR100];

/** A layout, and the folder in the archive that has its batches. */
interface BatchLocation {
  readonly kind: CifarKind;
  readonly layout: Layout;
  /** With a '/' at its end; '' for the top of the archive. */
  readonly folder: string;
}

const endsWithPath = (path: string, end: string): boolean => `/${path}`.endsWith(`/${end}`);

/**
 * The folder with the batches of a layout, or null. Other data sets have a file `train`, too: CIFAR-100 also requires
 * the official folder name or the file of class names.
 */
function findBatchFolder({ names, path }: Archive, kind: CifarKind, layout: Layout): string | null {
  const { batches, meta, folder: officialFolder } = layout;
  const known = new Set(names);
  for (const batch of [batches.train[0], batches.test[0]]) {
    for (const name of names) {
      if (!endsWithPath(name, batch)) continue;
      const folder = name.slice(0, -batch.length);
      const fullPath = `${path.replaceAll('\\', '/')}/${folder}`.replace(/\/+$/, '');
      if (kind === CIFAR10 || endsWithPath(fullPath, officialFolder) || known.has(folder + meta)) return folder;
    }
  }
  return null;
}

function locate(archive: Archive, kinds: readonly CifarKind[]): BatchLocation | null {
  for (const kind of kinds) {
    for (const layout of kind.layouts) {
      const folder = findBatchFolder(archive, kind, layout);
      if (folder !== null) return { kind, layout, folder };
    }
  }
  return null;
}

/** The title of the CIFAR data set in an archive or folder; null if there is none. */
export const cifarTitle = (archive: Archive): string | null => locate(archive, KINDS)?.kind.title ?? null;

function refuseOtherData({ path, names }: Archive, { title, layouts }: CifarKind): never {
  const files = layouts.map(({ batches }) => batches.train[0]).join(' or ');
  const got = listNames(names) || 'nothing';
  const hint = 'Pass the official archive or its folder; vanillanet download gets it.';
  throw new DataError({ op: path, expected: `batches of ${title} (${files})`, got, hint });
}

async function readMember(archive: Archive, member: string): Promise<Uint8Array> {
  if (archive.names.includes(member)) return archive.read(member);
  throw new DataError({ op: archive.path, expected: `a member ${member}`, got: 'none of that name', hint: AGAIN });
}

async function readClassNames(archive: Archive, { kind, layout, folder }: BatchLocation): Promise<readonly string[]> {
  const member = folder + layout.meta;
  if (!archive.names.includes(member) && kind.classNames !== null) return kind.classNames;
  const op = `${archive.path}: ${member}`;
  const names = layout.readNames(await readMember(archive, member), kind.labeling, op);
  const texts = names.filter((name) => name !== null && name !== '');
  const classes = kind.labeling.counts[kind.labeling.counts.length - 1];
  if (texts.length === classes && names.length === classes) return texts as string[];
  throw new DataError({ op, expected: `${classes} class names`, got: `${texts.length}`, hint: AGAIN });
}

function joinBatches(batches: readonly Batch[]): Batch & { readonly n: number } {
  const n = batches.reduce((sum, { labels }) => sum + labels.length, 0);
  const images = new Uint8Array(n * PIXELS);
  const labels = new Uint8Array(n);
  let offset = 0;
  for (const batch of batches) {
    images.set(batch.images, offset * PIXELS);
    labels.set(batch.labels, offset);
    offset += batch.labels.length;
  }
  return { images, labels, n };
}

/**
 * Reads one split from an open archive.
 *
 * @param kinds the data sets that are accepted
 */
export async function readCifar(
  archive: Archive,
  split: Split,
  kinds: readonly CifarKind[] = KINDS,
): Promise<ImageSet> {
  checkOneOf('split', split, ['train', 'test']);
  const location = locate(archive, kinds) ?? refuseOtherData(archive, kinds[0]);
  const { kind, layout, folder } = location;
  const batches: Batch[] = [];
  for (const name of layout.batches[split]) {
    const member = folder + name;
    const bytes = await readMember(archive, member);
    batches.push(layout.readBatch(bytes, kind.labeling, `${archive.path}: ${member}`));
  }
  const classNames = await readClassNames(archive, location);
  return { ...joinBatches(batches), channels: 3, height: SIDE, width: SIDE, classNames };
}

/**
 * Reads CIFAR-10 from a `.tar.gz`, a `.tar`, the unpacked folder or its parent, in the python or the binary layout.
 *
 * @throws DataError naming the file and member that is missing, truncated or damaged
 */
export const readCifar10 = async (path: string, split: Split): Promise<ImageSet> =>
  readCifar(await openArchive(path, 'readCifar10'), split, [CIFAR10]);

/**
 * Reads CIFAR-100 with its 100 fine classes, from the same kinds of files as `readCifar10`.
 *
 * @throws DataError as `readCifar10` does
 */
export const readCifar100 = async (path: string, split: Split): Promise<ImageSet> =>
  readCifar(await openArchive(path, 'readCifar100'), split, [CIFAR100]);

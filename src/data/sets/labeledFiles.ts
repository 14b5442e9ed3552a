/** Pictures of the classes of ImageNet: in a folder with a list of labels, or in folders named by synsets. */
import { DataError } from '../../core/errors.js';
import { openArchive, type Archive } from './archive.js';
import type { DataSet } from './dataset.js';
import type { LabelOf } from './groundTruth.js';
import { openImageFolder, type CacheOptions, type ImageFolderOptions } from './imageFolder.js';
import { isPicture, type Listing } from './imageListing.js';
import { IMAGENET_SYNSETS } from './imagenetSynsets.js';
import { listNames } from './listNames.js';

/** The pictures of a folder and of those in it, with labels of a list. @throws DataError for pictures that it lacks */
function listLabeled({ path, names }: Archive, labelOf: LabelOf, classNames: readonly string[]): Listing {
  const files = names.filter((name) => isPicture(name) && !/(^|\/)\.[^/]*/.test(name));
  const labels = files.map(labelOf);
  const missing = files.filter((_, i) => labels[i] === undefined);
  if (missing.length > 0) {
    const hint = 'Names are compared without their folder and ending.';
    throw new DataError({ op: path, expected: 'a label of each picture', got: `none of ${listNames(missing)}`, hint });
  }
  return { classNames, files, labels: Int32Array.from(labels, (label) => label ?? 0), splitSource: 'whole' };
}

/**
 * Opens the pictures of a folder, or of an archive, whose labels are in a list.
 *
 * @param classNames those that the labels are indices into
 * @throws DataError for pictures without a label, and as `openDataset`
 */
export async function openLabeledFiles(
  path: string,
  { labelOf, classNames }: { readonly labelOf: LabelOf; readonly classNames: readonly string[] },
  options: Omit<ImageFolderOptions, 'split' | 'valSplit'> & CacheOptions,
): Promise<DataSet> {
  const archive = await openArchive(path);
  return openImageFolder(archive, options, listLabeled(archive, labelOf, classNames));
}

const INDICES: ReadonlyMap<string, number> = new Map(IMAGENET_SYNSETS.map((name, i) => [name, i]));

/**
 * A set whose classes are synsets of ImageNet, all or some, with the 1000 classes of the logits; another set as it is.
 *
 * @param classNames those of the 1000 classes
 */
export function withImageNetClasses<T extends DataSet>(set: T, classNames: readonly string[] = IMAGENET_SYNSETS): T {
  const indices = set.classNames.map((name) => INDICES.get(name));
  if (classNames.length !== IMAGENET_SYNSETS.length || indices.includes(undefined)) return set;
  return { ...set, classNames, labels: Int32Array.from(set.labels, (label) => indices[label] ?? 0) };
}

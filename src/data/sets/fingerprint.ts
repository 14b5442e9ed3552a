import { createHash, type Hash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import { reasonOf } from '../../io/reason.js';
import { updateHash } from './updateHash.js';
import { MAX_CONCURRENT, mapConcurrent } from '../mapConcurrent.js';
import { isStreamed, type DataSet, type FileList } from './dataset.js';

/** By what a set is known again. */
export interface Fingerprint {
  /** Of labels and pixels; or, where those are on the disk, of labels, files' names and their sizes. */
  readonly of: 'pixels' | 'files';
  /** In hexadecimal. */
  readonly sha256: string;
  /** Of an image folder whose pixels are in memory: what `sha256` were if they were on the disk. */
  readonly listing?: string;
}

async function addFiles(hash: Hash, { root, names }: FileList): Promise<void> {
  const sizes = new Float64Array(names.length);
  await mapConcurrent(names.length, MAX_CONCURRENT, async (i) => {
    const path = join(root, names[i]);
    const { size } = await stat(path).catch((cause: unknown) => {
      throw new DataError({ op: path, expected: 'a readable file', got: reasonOf(cause) }, { cause });
    });
    sizes[i] = size;
  });
  names.forEach((name, i) => hash.update(`${sizes[i]} ${name}\n`));
}

/**
 * The order counts, for the batches depend on it; where the set lies does not.
 *
 * @throws DataError naming a file that is gone
 */
export async function fingerprint(set: DataSet): Promise<Fingerprint> {
  const hashOf = async (add: (hash: Hash) => void | Promise<void>): Promise<string> => {
    const hash = createHash('sha256');
    // Numbers as text: the same on every machine, whatever they are kept in.
    hash.update(`${set.channels} ${set.height} ${set.width} ${set.labels.join(' ')}\n`);
    await add(hash);
    return hash.digest('hex');
  };
  const ofFiles = (files: FileList): Promise<string> => hashOf((hash) => addFiles(hash, files));
  if (isStreamed(set)) return { of: 'files', sha256: await ofFiles(set.files) };
  const sha256 = await hashOf((hash) => {
    updateHash(hash, set.images);
  });
  return {
    of: 'pixels',
    sha256,
    ...(set.sourceFiles === undefined ? {} : { listing: await ofFiles(set.sourceFiles) }),
  };
}

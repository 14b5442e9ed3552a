import { createHash, type Hash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DataError } from '../../core/errors.js';
import { reasonOf } from '../../io/reason.js';
import { updateHash } from './updateHash.js';
import { MAX_CONCURRENT, mapConcurrent } from '../mapConcurrent.js';
import { isStreamed, type DataSet, type FileList } from './dataset.js';

/** Identifies the content of a set. */
export interface Fingerprint {
  /** What is hashed: labels and pixels, or, for a streamed set, labels, file names and file sizes. */
  readonly of: 'pixels' | 'files';
  /** Hexadecimal. */
  readonly sha256: string;
  /** For an image folder in memory: the `sha256` that it would have as a streamed set. */
  readonly listing?: string;
}

async function addFiles(hash: Hash, { root, names }: FileList): Promise<void> {
  const sizes = new Float64Array(names.length);
  await mapConcurrent(names.length, MAX_CONCURRENT, async (i) => {
    const path = join(root, names[i]);
    const { size } = await stat(path).catch((cause: unknown) => {
      const hint = 'Restore the file, or open the set again.';
      throw new DataError({ op: path, expected: 'a readable file', got: reasonOf(cause), hint }, { cause });
    });
    sizes[i] = size;
  });
  names.forEach((name, i) => hash.update(`${sizes[i]} ${name}\n`));
}

/**
 * Computes a set's fingerprint. It depends on the order of the images, as batches do, but not on the folder of the set,
 * nor on the platform: names are separated by '/' everywhere.
 *
 * @throws DataError naming a file that is missing
 */
export async function fingerprint(set: DataSet): Promise<Fingerprint> {
  const digest = async (add: (hash: Hash) => void | Promise<void>): Promise<string> => {
    const hash = createHash('sha256');
    // Numbers as text, independent of array types and byte order.
    hash.update(`${set.channels} ${set.height} ${set.width} ${set.labels.join(' ')}\n`);
    await add(hash);
    return hash.digest('hex');
  };
  const listingDigest = (files: FileList): Promise<string> => digest((hash) => addFiles(hash, files));
  if (isStreamed(set)) return { of: 'files', sha256: await listingDigest(set.files) };
  const sha256 = await digest((hash) => {
    updateHash(hash, set.images);
  });
  return {
    of: 'pixels',
    sha256,
    ...(set.sourceFiles === undefined ? {} : { listing: await listingDigest(set.sourceFiles) }),
  };
}

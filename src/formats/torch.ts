/**
 * Checkpoints of PyTorch since 1.6: a zip archive with a pickle, `data.pkl`, and the storages, `data/0`, `data/1`, …, all in
 * a folder of any name.
 */
import { WeightsError } from '../core/errors.js';
import { readPickle } from '../io/pickle/pickleMachine.js';
import { PickleReader } from '../io/pickle/pickleReader.js';
import type { ForeignFile, RandomAccess } from './foreignFile.js';
import { tensorType } from './tensorTypes.js';
import { contentOf, torchErrors, torchVocabulary, type StorageRecord, type Storages } from './torchPickle.js';
import { openZip, type ZipArchive } from './zip.js';

const PICKLE = 'data.pkl';
/** Bytes of the name of a byte order. */
const LONGEST_ORDER = 20;
/** Bytes of a pickle that is deflated. Those of checkpoints have a few hundred kB. */
const LONGEST_PICKLE = 2 ** 26;

/**
 * The folder of a checkpoint among the names of an archive, with a '/' at the end if it is not the archive itself; null if
 * there is none.
 */
export function folderOf(records: Iterable<string>): string | null {
  let shortest: string | null = null;
  for (const name of records) {
    // A checkpoint within another folder is not the one of the archive.
    const isShorter = shortest === null || name.length < shortest.length;
    if (isShorter && (name === PICKLE || name.endsWith(`/${PICKLE}`))) shortest = name;
  }
  return shortest?.slice(0, -PICKLE.length) ?? null;
}

/** What other archives of PyTorch have, and how to get their weights. */
const OTHERS: readonly (readonly [record: RegExp, got: string, hint: string])[] = [
  [
    /(^|\/)(constants\.pkl|code\/.*\.py)$/,
    'a TorchScript program',
    'Save its weights in Python: torch.save(torch.jit.load(FILE, map_location="cpu").state_dict(), "net.pth").',
  ],
  [
    /(^|\/)(archive_format|serialized_exported_program\.json|models\/.*\.json)$/,
    'a program of torch.export',
    'Save its weights in Python: torch.save(torch.export.load(FILE).state_dict, "net.pth").',
  ],
];

function refusePrograms({ records }: ZipArchive, op: string): void {
  for (const name of records.keys()) {
    const other = OTHERS.find(([pattern]) => pattern.test(name));
    if (other === undefined) continue;
    throw new WeightsError({ op, expected: 'a checkpoint with a state_dict', got: other[1], hint: other[2] });
  }
}

async function checkByteOrder({ records }: ZipArchive, folder: string, op: string): Promise<void> {
  const record = records.get(`${folder}byteorder`);
  if (record === undefined) return;
  const access = await record.open(LONGEST_ORDER);
  const order = new TextDecoder().decode(await access.read(0, Math.min(record.size, LONGEST_ORDER))).trim();
  if (order === 'little') return;
  const hint = 'Load it in Python, and save it on a little-endian machine: torch.save(torch.load(FILE), "net.pth").';
  throw new WeightsError({ op: `${op}: byteorder`, expected: 'little', got: order, hint });
}

/** Bytes that any deflated storage may have. */
const SMALL_STORAGE = 2 ** 20;
/** A deflated storage may have this many times the bytes of the tensors that are views of it: views may have gaps. */
const GAPS = 2;

class ZipStorages implements Storages {
  /** Bytes of all tensors of a record. */
  private readonly viewed = new Map<string, number>();

  constructor(
    private readonly archive: ZipArchive,
    private readonly folder: string,
  ) {}

  find({ dtype, key, count }: StorageRecord, elements: number, op: string) {
    const name = `${this.folder}data/${key}`;
    const record = this.archive.records.get(name);
    const width = tensorType(dtype)?.width ?? 0;
    const size = count * width;
    if (record === undefined || record.size !== size) {
      const got = record === undefined ? 'no such record' : `${record.size} bytes`;
      const hint = 'The file is damaged: download, copy or save it again.';
      throw new WeightsError({ op, expected: `${size} bytes in the record ${name}`, got, hint });
    }
    this.viewed.set(name, (this.viewed.get(name) ?? 0) + elements * width);
    // Short records may inflate to a thousand times their bytes.
    return () => record.open(Math.max(SMALL_STORAGE, GAPS * (this.viewed.get(name) ?? 0)));
  }
}

/**
 * Reads a checkpoint of PyTorch.
 *
 * @param file a zip archive
 * @returns null for another zip archive
 * @throws WeightsError for a damaged archive, TorchScript, torch.export, or a pickle with more than tensors and plain data
 */
export async function openTorch(file: RandomAccess): Promise<ForeignFile | null> {
  const archive = await openZip(file);
  refusePrograms(archive, file.name);
  const folder = folderOf(archive.records.keys());
  const record = archive.records.get(`${folder ?? ''}${PICKLE}`);
  if (folder === null || record === undefined) return null;
  await checkByteOrder(archive, folder, file.name);
  const source = await record.open(LONGEST_PICKLE);
  const reader = new PickleReader(new Uint8Array(0), torchErrors(`${file.name}: ${PICKLE}`), source.size);
  const value = await readPickle(reader, source, torchVocabulary());
  const storages = new ZipStorages(archive, folder);
  return { format: 'PyTorch checkpoint (zip)', ...contentOf(value, storages, file.name, 'PyTorch, zip') };
}

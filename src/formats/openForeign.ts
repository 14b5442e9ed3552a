import { fileKind, HEAD } from '../io/fileKind.js';
import { isSafetensors } from '../io/safetensorsHeader.js';
import { openFileAccess, type OpenAccess } from './fileAccess.js';
import type { ForeignFile, OpenedForeignFile, OpenSibling, RandomAccess } from './foreignFile.js';
import { isHdf5 } from './hdf5/openHdf5.js';
import { openKeras, openKerasArchive } from './keras.js';
import { isOnnx, openOnnx } from './onnx/openOnnx.js';
import { openPaddle } from './paddle.js';
import { readSafetensorsFile } from './safetensorsFile.js';
import { Siblings } from './siblings.js';
import { openTorch } from './torch.js';
import { isTorchLegacy, openTorchLegacy } from './torchLegacy.js';

/** Whether the first bytes of a file are those of a format, and its reader. */
interface Format {
  readonly matches: (head: Uint8Array) => boolean;
  readonly open: (file: RandomAccess, openSibling?: OpenSibling) => Promise<ForeignFile | null>;
}

/** Whether a file begins with the header of a record of a zip archive. */
const isZip = (head: Uint8Array): boolean => [0x50, 0x4b, 3, 4].every((byte, i) => head[i] === byte);

/** Whether a file is a pickle of protocol 2 to 5, but no data set. */
const isPickle = (head: Uint8Array): boolean =>
  head[0] === 0x80 && head[1] >= 2 && head[1] <= 5 && !fileKind(head).name.includes('CIFAR');

const FORMATS: readonly Format[] = [
  { matches: isSafetensors, open: readSafetensorsFile },
  { matches: isZip, open: async (file) => (await openTorch(file)) ?? openKerasArchive(file) },
  { matches: isHdf5, open: (file) => openKeras(file) },
  { matches: isTorchLegacy, open: openTorchLegacy },
  { matches: isPickle, open: openPaddle },
  { matches: isOnnx, open: openOnnx },
];

/**
 * Reads a file of another framework, or safetensors, by its first bytes.
 *
 * @param openSibling opens the other file of an ONNX graph, which has its weights; without it such a graph is refused
 * @returns null for a file of none of the formats, such as JSON
 * @throws WeightsError if it is damaged, or has what is not read
 */
export async function readForeign(file: RandomAccess, openSibling?: OpenSibling): Promise<ForeignFile | null> {
  const head = await file.read(0, Math.min(HEAD, file.size));
  const format = FORMATS.find(({ matches }) => matches(head));
  return (await format?.open(file, openSibling)) ?? null;
}

/**
 * As `readForeign`, of a file that is open; it is closed if it cannot be read.
 *
 * @throws as `readForeign`
 */
export async function readOpened(file: OpenAccess): Promise<OpenedForeignFile | null> {
  const siblings = file.path === undefined ? null : new Siblings(file.path);
  const closeFiles = async (): Promise<void> => {
    await siblings?.close();
    await file.close();
  };
  try {
    const opened = await readForeign(file, siblings === null ? undefined : (name, op) => siblings.open(name, op));
    const close = async (): Promise<void> => {
      await opened?.close?.();
      await closeFiles();
    };
    if (opened !== null) return { ...opened, size: file.size, close };
  } catch (error) {
    await closeFiles();
    throw error;
  }
  await closeFiles();
  return null;
}

/**
 * Opens a file of another framework, or safetensors.
 *
 * @returns null for a file of none of the formats, and for a pipe
 * @throws WeightsError if there is no file, or it is damaged, or has what is not read
 */
export async function openForeign(path: string): Promise<OpenedForeignFile | null> {
  const file = await openFileAccess(path);
  return file === null ? null : readOpened(file);
}

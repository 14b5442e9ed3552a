/** Opens weights of any format, and finds the network in them. */
import { WeightsError } from '../core/errors.js';
import type { StateDict } from '../core/tensor.js';
import { fileKind, HEAD } from '../io/fileKind.js';
import type { OpenAccess } from './fileAccess.js';
import type { OpenedForeignFile } from './foreignFile.js';
import { readOpened } from './openForeign.js';
import { openCopy } from './openLocation.js';
import { readState, recognize, requireWhole, type Recognition, type RecognizeOptions } from './recognize.js';

/** Weights in a file that is open. */
export interface ImportedWeights extends Recognition {
  /** Reads all tensors and checks their values. @throws WeightsError */
  readState(): Promise<StateDict>;
  close(): Promise<void>;
}

/** @throws WeightsError if the file has no network, or one that is not clear */
function found(file: OpenedForeignFile, path: string, options: RecognizeOptions): ImportedWeights {
  const recognition = recognize(file, path, options);
  return {
    ...recognition,
    readState: () => {
      requireWhole(recognition, path);
      return readState(recognition, path);
    },
    close: () => file.close(),
  };
}

/** @throws WeightsError with what the file is */
function refuseOther(head: Uint8Array, op: string): never {
  const { name, hint } = fileKind(head);
  const expected = 'weights of PyTorch, PaddlePaddle, Keras or ONNX, or safetensors';
  throw new WeightsError({ op, expected, got: name, hint });
}

/** Reads a file that is open as weights. @throws WeightsError for a file of another format; it is closed */
async function readFile(file: OpenAccess): Promise<OpenedForeignFile> {
  const head = await file.read(0, Math.min(HEAD, file.size));
  return (await readOpened(file)) ?? refuseOther(head, file.name);
}

/**
 * Opens a file of weights by its first bytes: a checkpoint of PyTorch, parameters of PaddlePaddle, a file of Keras, an
 * ONNX graph, or safetensors of any names. Nothing of it is executed. A URL or a pipe is copied first.
 *
 * @throws WeightsError for other files, for damaged ones, and if there is no VanillaNet in it
 * @throws ParamError for an invalid configuration
 */
export async function importWeights(path: string, options: RecognizeOptions = {}): Promise<ImportedWeights> {
  const file = await readFile(await openCopy(path));
  try {
    return found(file, path, options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Opens weights of any format, and finds the network in them. */
import { WeightsError } from '../core/errors.js';
import type { StateDict } from '../core/tensor.js';
import { fileKind } from '../io/fileKind.js';
import { displayName } from '../io/location.js';
import { openFile } from '../io/openFile.js';
import { readBytes } from '../io/readFile.js';
import type { OpenedForeignFile } from './foreignFile.js';
import { openForeign } from './openForeign.js';
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
async function refuseOther(path: string): Promise<never> {
  const checkHead = (head: Uint8Array): never => {
    const { name, hint } = fileKind(head);
    const expected = 'weights of PyTorch, PaddlePaddle or ONNX, or safetensors';
    throw new WeightsError({ op: displayName(path), expected, got: name, hint });
  };
  const { file, size } = await openFile(path);
  await file.close();
  if (size === null) {
    const hint = 'Write it into a file first: its parts are read in another order.';
    throw new WeightsError({ op: displayName(path), expected: 'a file', got: 'a pipe', hint });
  }
  await readBytes(path, WeightsError, { checkHead });
  return checkHead(new Uint8Array(0));
}

/**
 * Opens a file of weights by its first bytes: a checkpoint of PyTorch, parameters of PaddlePaddle, an ONNX
 * graph, or safetensors of any names. Nothing of it is executed.
 *
 * @throws WeightsError for other files, for damaged ones, and if there is no VanillaNet in it
 * @throws ParamError for an invalid configuration
 */
export async function importWeights(path: string, options: RecognizeOptions = {}): Promise<ImportedWeights> {
  const file = (await openForeign(path)) ?? (await refuseOther(path));
  try {
    return found(file, path, options);
  } catch (error) {
    await file.close();
    throw error;
  }
}

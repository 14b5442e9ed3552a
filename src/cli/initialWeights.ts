/** The weights that a fine-tuning starts from: `train --init`. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelConfig, ModelConfigInput } from '../core/config.js';
import { WeightsError } from '../core/errors.js';
import { inModelOrder } from '../core/parameters.js';
import { sizeOf, type StateDict, type Tensor } from '../core/tensor.js';
import { openForeign } from '../formats/openForeign.js';
import { checkedTensors, recognize, requireWhole, type Recognition } from '../formats/recognize.js';
import { foreignScheme, isFileUrl, isUrl } from '../io/location.js';
import { pathOf } from '../io/openFile.js';
import { readWeights } from '../io/weightsFile.js';
import { initialState } from '../train/initialState.js';
import type { InitOrigin } from '../train/origin.js';
import { checkWeightsPath } from './weightsPath.js';

/** Weights, and where they are from. */
export interface InitialWeights {
  readonly state: StateDict;
  readonly config: ModelConfig;
  /** Whether the file has a head; that of `state` is drawn otherwise. */
  readonly hasHead: boolean;
  readonly source: Omit<InitOrigin, 'taken' | 'redrawn'>;
  /** What the user should know: a line each. */
  readonly notes: readonly string[];
}

/** Called with the share that is read, as a part of a total. */
type OnProgress = (done: number, total: number) => void;

/** The weights of a run to start from, the best first. Those of λ = 1, which can be fused, come before others. */
const RUN_WEIGHTS = ['best-fusable', 'best', 'last'].map((name) => `${name}.safetensors`);

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );

/** The file of weights: in the folder of a run, the best that can be fused. @throws WeightsError as `checkWeightsPath` */
export async function weightsFileAt(location: string): Promise<string> {
  if (!isUrl(location) && foreignScheme(location) === null && (await isFolder(location))) {
    for (const name of RUN_WEIGHTS) {
      const path = join(location, name);
      if (await isFile(path)) return path;
    }
  }
  return checkWeightsPath(location);
}

/** The SHA-256 of files, one after the other: of one file, what `sha256sum` prints. */
async function digestOf(files: readonly string[], onBytes: (bytes: number) => void): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) {
    for await (const chunk of createReadStream(pathOf(file)) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      onBytes(chunk.length);
    }
  }
  return hash.digest('hex');
}

const bytesOf = async (files: readonly string[]): Promise<number> => {
  const sizes = await Promise.all(files.map(async (file) => (await stat(pathOf(file))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
};

/**
 * Finds the network in a file of another framework. What the caller states of the network counts only where the file is not
 * clear: a contradiction is reported when both are known.
 *
 * @throws WeightsError
 */
function find(file: Parameters<typeof recognize>[0], path: string, stated: ModelConfigInput): Recognition {
  const states = Object.keys(stated).length > 0;
  try {
    const found = recognize(file, path);
    return states && found.guesses.length > 0 ? recognize(file, path, { config: stated }) : found;
  } catch (error) {
    if (!states || !(error instanceof WeightsError)) throw error;
    return recognize(file, path, { config: stated });
  }
}

/** The remedy of a file that does not say which network it has. */
const VARIANT_HINT = 'Name the one that was trained: --variant NAME. The wrong one computes wrong logits.';

const isHead = (name: string): boolean => name.startsWith('cls');

/** The tensors of a network, one after the other. A head that is missing is drawn later, for the classes of the data. */
async function readTensors(found: Recognition, path: string, onValues: (values: number) => void): Promise<StateDict> {
  const state = new Map<string, Tensor>();
  for (const [name, tensor] of checkedTensors(found, path)) {
    state.set(name, { data: await tensor.read(), shape: tensor.shape });
    onValues(sizeOf(tensor.shape));
  }
  return state;
}

async function readForeign(
  path: string,
  stated: ModelConfigInput,
  onProgress: OnProgress,
): Promise<InitialWeights | null> {
  const file = await openForeign(path);
  if (file === null) return null;
  try {
    if (file.config !== undefined) return null;
    const found = find(file, path, stated);
    const hasHead = found.missing.length === 0 || !found.missing.every(isHead);
    // The head of a backbone is a placeholder.
    const config = hasHead ? found.config : { ...found.config, num_classes: 1, class_names: null };
    const drawn: StateDict = hasHead ? new Map() : initialState(config, 0, 'absolute', isHead);
    if (hasHead) requireWhole(found, path);
    const bytes = await bytesOf([path]);
    const values = [...found.tensors.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    // The digest is the first half of the work, and the tensors are the second.
    let done = 0;
    const sha256 = await digestOf([path], (read) => {
      onProgress((done += read), 2 * bytes);
    });
    const taken = await readTensors(found, path, (read) => {
      onProgress(Math.round((done += (read * bytes) / values)), 2 * bytes);
    });
    const { format, source, isEma, epoch, guesses, unexpected } = found;
    return {
      ...{ state: inModelOrder(new Map([...taken, ...drawn]), config), config, hasHead },
      source: {
        ...{ file: path, sha256, bytes, format, source, ema: isEma, epoch, form: config.form, lambda: config.lambda },
        left_out: unexpected,
      },
      notes: [
        ...(isEma ? [`took ${source}, the exponential moving average`] : []),
        ...guesses.map((guess) => `guessed ${guess}`),
        ...(unexpected.length > 0 ? [`left out ${unexpected.length} tensors that are not of the network`] : []),
      ],
    };
  } finally {
    await file.close();
  }
}

async function readOwn(path: string, onProgress: OnProgress): Promise<InitialWeights> {
  const { state, config, files } = await readWeights(path);
  const parts = files.length > 1 ? files.slice(1) : files;
  const bytes = await bytesOf(parts);
  let done = bytes;
  const sha256 = await digestOf(parts, (read) => {
    onProgress((done += read), 2 * bytes);
  });
  const { form, lambda } = config;
  return {
    ...{ state, config, hasHead: true, notes: [] },
    source: {
      ...{ file: path, sha256, bytes, format: 'safetensors', source: '', ema: false, epoch: null, form, lambda },
      left_out: [],
    },
  };
}

/**
 * Reads the weights that a training starts from, of any format, and of the folder of a run its best weights.
 *
 * @param stated keys of the network that the caller names, for files that do not say which it is
 * @param onProgress called while a file is read
 * @throws WeightsError for a file that is missing, damaged or of another network
 */
export async function readInitialWeights(
  location: string,
  stated: ModelConfigInput = {},
  onProgress: OnProgress = () => undefined,
): Promise<InitialWeights> {
  const path = await weightsFileAt(location);
  const isLocal = isFileUrl(path) || (!isUrl(path) && foreignScheme(path) === null);
  try {
    const foreign = isLocal ? await readForeign(path, stated, onProgress) : null;
    return foreign ?? (await readOwn(path, onProgress));
  } catch (error) {
    if (!(error instanceof WeightsError) || error.hint?.includes('vanillanet convert') !== true) throw error;
    const { op, expected, got } = error;
    const hint = error.hint.includes('--variant') ? VARIANT_HINT : error.hint;
    throw new WeightsError({ op, expected, got, hint }, { cause: error });
  }
}

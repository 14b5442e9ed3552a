import type { Backend } from '../core/backend.js';
import type { ModelConfigInput } from '../core/config.js';
import { ParamError, WeightsError } from '../core/errors.js';
import { leastSide } from '../core/network.js';
import type { OpenAccess } from '../formats/fileAccess.js';
import { readOpened } from '../formats/openForeign.js';
import { openLocation } from '../formats/openLocation.js';
import { readState, recognize, requireWhole, type RecognizeOptions } from '../formats/recognize.js';
import { remarksOn } from '../formats/remarks.js';
import { CONFIG_HINT } from '../io/configMetadata.js';
import { readWeightsFrom, type LoadedWeights } from '../io/weightsFile.js';
import type { WeightsSource } from '../io/weightsSource.js';
import { loadModel } from '../model/loadModel.js';
import { Model } from '../model/model.js';
import { referenceBackend } from '../oracle/backend.js';
import { readJsonObject } from './jsonFile.js';
import { fuseWithBar } from './fuseWithBar.js';
import { printText, shellWord } from './print.js';
import { withCachedVariant } from './recognitionFlags.js';
import { checkWeightsPath } from './weightsPath.js';

export interface WeightsOptions {
  /** A JSON file that describes weights without metadata. */
  readonly config?: string;
  /** Overrides the lambda of the weights. */
  readonly lambda?: number;
}

/** The side of the images on which weights that are fused in memory are compared, if it is enough: `fuse` compares on larger ones. */
const PROBE_SIDE = 32;

export const CONFIG_HELP = 'network as JSON, for weights without metadata';

/** The error of weights without a configuration, with the name of the flag; other errors as they are. */
function nameConfigFlag(error: unknown): unknown {
  if (!(error instanceof WeightsError) || error.hint !== CONFIG_HINT) return error;
  const { op, expected, got } = error;
  const hint = 'Add --config FILE, with the network as JSON: {"variant": "vanillanet_5"}, or dims and strides.';
  return new WeightsError({ op, expected, got, hint }, { cause: error });
}

/** Weights that were read, or a source of weights of this package. */
type FoundWeights =
  | { readonly imported: LoadedWeights }
  | { readonly imported: null; readonly source: WeightsSource; readonly isPipe: boolean };

/**
 * Weights at a path or URL. Those without a description of this package are read now: of another framework, or safetensors
 * of another program.
 */
async function findWeights(path: string, options: RecognizeOptions): Promise<FoundWeights> {
  const opened = await openLocation(path);
  if ('source' in opened) return { ...opened, imported: null };
  const imported = await importForeign(opened.file, path, options);
  return imported === null ? { imported, source: path, isPipe: false } : { imported };
}

async function importForeign(
  opened: OpenAccess,
  path: string,
  options: RecognizeOptions,
): Promise<LoadedWeights | null> {
  const file = await readOpened(opened);
  if (file === null) return null;
  try {
    // Safetensors of this package; a graph is read from its nodes, with or without a configuration.
    if (file.config !== undefined && file.stated === undefined) return null;
    const found = recognize(file, path, withCachedVariant(options, path));
    requireWhole(found, path);
    for (const text of remarksOn(found)) remark(path, text);
    const state = await readState(found, path);
    return { state, config: found.config, metadata: new Map(), files: [path], size: file.size };
  } finally {
    await file.close();
  }
}

const remark = (path: string, text: string): void => {
  printText(process.stderr, `${path}: ${text}`);
};

type Runnable = Pick<LoadedWeights, 'state' | 'config'>;

/** Weights in a form that a backend has: all but the reference have the deploy form only. @throws WeightsError if λ is not 1 */
async function runnable(
  path: string,
  { state, config: { lambda, ...rest } }: LoadedWeights,
  backend: Backend,
): Promise<Runnable> {
  // The official evaluation always runs at 1.
  if (lambda === null) remark(path, 'assumed lambda 1, as the official evaluation does');
  const config = { ...rest, lambda: lambda ?? 1 };
  if (config.form === 'deploy' || backend.name === referenceBackend.name) return { state, config };
  if (config.lambda !== 1) {
    const hint = 'Train until lambda is 1, or add --backend reference, which runs the train form.';
    throw new WeightsError({ op: path, expected: 'lambda = 1', got: `lambda = ${config.lambda}`, hint });
  }
  const command = `vanillanet fuse ${shellWord(path)} OUT${lambda === null ? ' --lambda 1' : ''}`;
  remark(path, `fused in memory; keep the result by ${command}`);
  const side = Math.max(PROBE_SIDE, leastSide(config));
  return fuseWithBar(state, config, { probeSize: [side, side] });
}

/** A network that can be opened on several backends; what there is to say about its weights is said once. */
export interface NetworkSource {
  /** @throws as `loadModel` */
  open(backend: Backend): Promise<Model>;
}

/** Whether an object has keys. */
const hasKeys = (config: ModelConfigInput): boolean => Object.keys(config).length > 0;

/**
 * Finds the network in weights, a path or URL. Weights of another framework are read now, and fused once if a backend
 * needs it.
 *
 * @throws WeightsError for a file that is missing, damaged or of another network
 * @throws ParamError for a key of weights that have none
 */
export async function networkSource(weights: string, options: RecognizeOptions = {}): Promise<NetworkSource> {
  const path = await checkWeightsPath(weights);
  const { config = {}, key } = options;
  const found = await findWeights(path, options);
  const { imported } = found;
  if (imported !== null) {
    let network: Promise<Runnable> | null = null;
    return {
      open: async (backend) => {
        const { state, config: resolved } = await (network ??= runnable(path, imported, backend));
        return Model.open(state, resolved, backend);
      },
    };
  }
  if (key !== undefined) {
    const hint = 'Omit --key: the file has the weights of one network.';
    throw new ParamError({ op: path, expected: 'a file with several weights, for --key', got: `--key ${key}`, hint });
  }
  return {
    open: (backend) =>
      loadModel(found.source, {
        backend,
        ...(hasKeys(config) ? { config } : {}),
        ...(found.isPipe ? { timeout: 0 } : {}),
      }).catch((error: unknown) => {
        throw nameConfigFlag(error);
      }),
  };
}

/** Loads weights, a path or URL. @throws as `networkSource` and `loadModel` */
export async function loadNetwork(
  weights: string,
  { backend, ...options }: RecognizeOptions & { readonly backend: Backend },
): Promise<Model> {
  return (await networkSource(weights, options)).open(backend);
}

/**
 * Reads weights and their configuration, which --config and --lambda may complete.
 *
 * @throws WeightsError for a file that is missing, damaged or of another network
 * @throws ParamError for a lambda with the deploy form
 */
export async function readNetworkWeights(weights: string, { config, lambda }: WeightsOptions): Promise<LoadedWeights> {
  const path = await checkWeightsPath(weights);
  const options = config === undefined ? {} : { config: await readJsonObject(config) };
  const stated = { ...options.config, ...(lambda === undefined ? {} : { lambda }) };
  const found = await findWeights(path, { config: stated });
  const loaded =
    found.imported ??
    (await readWeightsFrom(found.source, path, { ...options, ...(found.isPipe ? { timeout: 0 } : {}) }).catch(
      (error: unknown) => {
        throw nameConfigFlag(error);
      },
    ));
  if (lambda === undefined) return loaded;
  if (loaded.config.form === 'train') return { ...loaded, config: { ...loaded.config, lambda } };
  throw new ParamError({
    op: path,
    expected: 'no --lambda for the deploy form',
    got: `--lambda ${lambda}`,
    hint: 'Omit --lambda, which is for weights of the train form.',
  });
}

/** @throws ParamError if neither the weights nor --lambda state the lambda that the train form needs */
export function requireLambda(path: string, lambda: number | null): number {
  if (lambda !== null) return lambda;
  const hint = 'Pass the lambda that the network was trained to: --lambda 1.';
  throw new ParamError({ op: path, expected: 'weights with lambda, or --lambda', got: 'neither', hint });
}

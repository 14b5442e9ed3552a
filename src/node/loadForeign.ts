/** Loads weights of other frameworks. Imported at the first need. */
import { createHash } from 'node:crypto';
import { throwIfAborted } from '../core/abort.js';
import type { Backend } from '../core/backend.js';
import type { ModelConfig } from '../core/config.js';
import { ParamError, WeightsError } from '../core/errors.js';
import { leastSide } from '../core/network.js';
import { sizeOf, type StateDict, type Tensor } from '../core/tensor.js';
import { bytesAccess, openFileAccess, type OpenAccess } from '../formats/fileAccess.js';
import type { OpenedForeignFile, RandomAccess } from '../formats/foreignFile.js';
import { readOpened } from '../formats/openForeign.js';
import { isRemote } from '../formats/openLocation.js';
import { checkedTensors, recognize, requireWhole, type Recognition } from '../formats/recognize.js';
import { remarksOn } from '../formats/remarks.js';
import { spool } from '../formats/spool.js';
import { displayName } from '../io/location.js';
import { resolveWeightsOptions, type ResolvedWeightsOptions } from '../io/openWeights.js';
import { withProgress } from '../io/progress.js';
import { HASH_HINT } from '../io/sha256.js';
import { openSource } from '../io/source.js';
import { backendOf, type LoadModelOptions as PortableOptions } from '../model/loadModel.js';
import { Model } from '../model/model.js';
import { referenceBackend } from '../oracle/backend.js';
import { fuseStateInSteps } from '../oracle/fuse.js';
import { turnIfDue } from '../runtime/turns.js';
import type { ForeignOptions, ReadableAgain } from './foreignOptions.js';

/** The side of the images on which both forms are compared, if it is enough. */
const PROBE_SIDE = 32;
/** Bytes that are read at once for a hash. */
const BLOCK = 2 ** 20;

const closing = (access: RandomAccess): OpenAccess => ({ ...access, close: () => Promise.resolve() });

/** Opens a source for reading at any position; null for a pipe, which has been read. */
async function openSourceAgain(source: ReadableAgain, options: ResolvedWeightsOptions): Promise<OpenAccess | null> {
  if (typeof source !== 'string') return closing(bytesAccess('weights', source));
  if (!isRemote(source)) return openFileAccess(source);
  const { chunks, total } = openSource(source, options);
  const { onProgress } = options;
  return spool(onProgress === undefined ? chunks : withProgress(chunks, total, onProgress), displayName(source));
}

/** @throws WeightsError unless a file has a hash */
async function verifyHash(file: RandomAccess, expected: string, signal: AbortSignal | undefined): Promise<void> {
  const hash = createHash('sha256');
  for (let at = 0; at < file.size; at += BLOCK) {
    hash.update(await file.read(at, Math.min(BLOCK, file.size - at)));
    throwIfAborted(signal);
  }
  const got = hash.digest('hex');
  if (got !== expected) throw new WeightsError({ op: file.name, expected: `sha256 ${expected}`, got, hint: HASH_HINT });
}

/** The tensors of a network; the signal ends it between two of them. */
async function readTensors(
  found: Recognition,
  name: string,
  { signal, onProgress }: ResolvedWeightsOptions,
): Promise<StateDict> {
  const state = new Map<string, Tensor>();
  const tensors = checkedTensors(found, name);
  const bytesOf = (shape: readonly number[]): number => Float32Array.BYTES_PER_ELEMENT * sizeOf(shape);
  const total = [...tensors.values()].reduce((sum, { shape }) => sum + bytesOf(shape), 0);
  let loaded = 0;
  for (const [key, tensor] of tensors) {
    state.set(key, { data: await tensor.read(), shape: tensor.shape });
    throwIfAborted(signal);
    loaded += bytesOf(tensor.shape);
    onProgress?.({ loaded, total });
  }
  return state;
}

type Network = { readonly state: StateDict; readonly config: ModelConfig };

/** Fuses, with turns of the event loop, in which the signal may be aborted. */
async function fuse({ state, config }: Network, signal: AbortSignal | undefined): Promise<Network> {
  const side = Math.max(PROBE_SIDE, leastSide(config));
  const steps = fuseStateInSteps(state, config, { probeSize: [side, side] });
  for (;;) {
    const { value, done } = steps.next();
    if (done === true) return value;
    await turnIfDue();
    throwIfAborted(signal);
  }
}

/** A network in a form that the backend has: all but the reference have the deploy form only. @throws WeightsError */
async function runnable(
  { state, config: { lambda, ...rest } }: Network,
  name: string,
  backend: Backend,
  remark: (text: string) => void,
  signal: AbortSignal | undefined,
): Promise<Network> {
  if (lambda === null) remark('assumed lambda 1, as the official evaluation does');
  const config = { ...rest, lambda: lambda ?? 1 };
  if (config.form === 'deploy' || backend.name === referenceBackend.name) return { state, config };
  if (config.lambda !== 1) {
    const hint =
      'Train until lambda is 1, or pass { backend: referenceBackend } of vanillanet/node, which runs the train form.';
    throw new WeightsError({ op: name, expected: 'lambda = 1', got: `lambda = ${config.lambda}`, hint });
  }
  remark('fused in memory; keep the result by vanillanet fuse');
  return fuse({ state, config }, signal);
}

/** Whether a file has the description of this package, which the portable function reads. */
const isOwn = ({ config, stated }: OpenedForeignFile): boolean => config !== undefined && stated === undefined;

const unusedKey = (op: string, key = ''): ParamError => {
  const hint = 'Omit key: the file has the weights of one network.';
  return new ParamError({ op, expected: 'a file with several weights, for key', got: `key ${key}`, hint });
};

/**
 * @param options of the portable `loadModel`
 * @param refusal the error of the portable `loadModel`, which counts for files of none of the formats; null for none
 */
export async function loadForeign(
  source: ReadableAgain,
  { backend: choice = 'wasm', build, threads, memoryLimit, config, ...rest }: PortableOptions,
  { ema = true, key, onRemark }: ForeignOptions,
  refusal: WeightsError | null,
): Promise<Model> {
  const backend = backendOf(choice, { build, threads, memoryLimit });
  const options = resolveWeightsOptions(rest);
  const { signal, sha256 } = options;
  throwIfAborted(signal);
  const opened = await openSourceAgain(source, options);
  const file = opened === null ? null : await readOpened(opened);
  const name = opened?.name ?? 'weights';
  if (opened === null || file === null || isOwn(file)) {
    await file?.close();
    throw refusal ?? unusedKey(name, key);
  }
  try {
    if (sha256 !== null) await verifyHash(opened, sha256, signal);
    const found = recognize(file, name, { config: config ?? {}, ema, ...(key === undefined ? {} : { key }) });
    requireWhole(found, name);
    const remark = (text: string): void => {
      onRemark?.(`${name}: ${text}`);
    };
    remarksOn(found).forEach(remark);
    const state = await readTensors(found, name, options);
    const network = await runnable({ state, config: found.config }, name, backend, remark, signal);
    const model = await Model.open(network.state, network.config, backend);
    if (signal?.aborted === true) model.dispose();
    throwIfAborted(signal);
    return model;
  } finally {
    await file.close();
  }
}

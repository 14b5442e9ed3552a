/** The format of a checkpoint: a safetensors file whose metadata has everything but the tensors, as JSON. */
import { resolveConfig, type ModelConfig } from '../core/config.js';
import { show } from '../core/check.js';
import { WeightsError } from '../core/errors.js';
import { parseJsonObject } from '../core/json.js';
import { checkState, checkValues } from '../core/parameters.js';
import type { StateDict, Tensor } from '../core/tensor.js';
import { CHECKPOINT_KEY } from '../io/configMetadata.js';
import { decodeSafetensors, encodeSafetensors } from '../io/safetensors.js';
import { DIGEST_KEY, insertDigest, NO_DIGEST, verifyDigest } from './fileDigest.js';
import type { Origin } from './origin.js';
import { resolveRecipe, type Recipe } from './recipe.js';
import type { Tally } from './scores.js';
import type { Snapshot } from './trainer.js';

/** The best epoch so far, by top-1 on the held-out images. */
export interface Best {
  /** From 1. */
  readonly epoch: number;
  /** In [0, 1]; null without held-out images: the last epoch then counts as the best. */
  readonly top1: number | null;
}

export interface Checkpoint {
  /** The current configuration: the deploy form after the run has fused its network. */
  readonly config: ModelConfig;
  readonly recipe: Recipe;
  /** Number of training images. */
  readonly images: number;
  /** Epochs done. */
  readonly epoch: number;
  /** Steps done in the current epoch. */
  readonly step: number;
  /** Steps done since the run began. */
  readonly globalStep: number;
  /** Scores of the current epoch so far. */
  readonly tally: Tally;
  readonly best: Best | null;
  /** The best epoch with λ = 1: only such weights can be fused. */
  readonly bestFusable: Best | null;
  readonly snapshot: Snapshot;
  /** The data and backend, for a run in a folder. Files of version 1 have none. */
  readonly origin?: Origin;
  /** Lines that `metrics.jsonl` lacks, because they could not be written. */
  readonly unrecorded?: readonly string[];
}

const VERSION = 3;
/** Version 1 has no `origin`; versions 1 and 2 have no digest. */
const READABLE_VERSIONS = [1, 2, VERSION];
const FIRST_VERSION_WITH_DIGEST = 3;

type Part = 'model' | 'optimizer' | 'ema';
type Description = Omit<Checkpoint, 'snapshot'> & { readonly version: number; readonly steps: number };

export function encodeCheckpoint({ snapshot, ...rest }: Checkpoint): Uint8Array {
  const tensors = new Map<string, Tensor>();
  const add = (part: Part, state: StateDict | undefined): void => {
    for (const [name, tensor] of state ?? []) tensors.set(`${part}.${name}`, tensor);
  };
  add('model', snapshot.state);
  add('optimizer', snapshot.optimizer);
  add('ema', snapshot.ema);
  const description = { version: VERSION, steps: snapshot.steps, ...rest };
  const metadata = new Map([
    [DIGEST_KEY, NO_DIGEST],
    [CHECKPOINT_KEY, JSON.stringify(description)],
  ]);
  return insertDigest(encodeSafetensors(tensors, { metadata }));
}

/** The tensors of a part, without its prefix. */
function tensorsOf(tensors: StateDict, part: Part): Map<string, Tensor> {
  const prefix = `${part}.`;
  return new Map(
    [...tensors].flatMap(([key, tensor]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), tensor]] : [])),
  );
}

function parseDescription(text: string | undefined, path: string, hasDigest: boolean): Description {
  if (text === undefined) {
    throw new WeightsError({ op: path, expected: 'a checkpoint of a training run', got: 'other weights' });
  }
  const expected = 'a whole checkpoint';
  const description = parseJsonObject(text, { op: path, Refused: WeightsError, expected }) as unknown as Description;
  if (!READABLE_VERSIONS.includes(description.version)) {
    const versions = `a checkpoint of version ${READABLE_VERSIONS.join(' or ')}`;
    throw new WeightsError({ op: path, expected: versions, got: show(description.version) });
  }
  if (description.version >= FIRST_VERSION_WITH_DIGEST && !hasDigest) {
    throw new WeightsError({ op: path, expected: `${DIGEST_KEY} first in its header`, got: 'another beginning' });
  }
  return description;
}

/**
 * Decodes a checkpoint and checks it against its SHA-256 and its own configuration.
 *
 * @param path the file's name in errors
 * @throws WeightsError; ParamError for a damaged file without a digest whose configuration or recipe is invalid
 */
export function decodeCheckpoint(bytes: Uint8Array, path: string): Checkpoint {
  const hasDigest = verifyDigest(bytes, path);
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  const { version: _, steps, ...rest } = parseDescription(metadata.get(CHECKPOINT_KEY), path, hasDigest);
  const config = resolveConfig(rest.config);
  const state = tensorsOf(tensors, 'model');
  const optimizer = tensorsOf(tensors, 'optimizer');
  const ema = tensorsOf(tensors, 'ema');
  checkState(state, config, path);
  for (const [name, { data }] of optimizer) checkValues(name, data, 0, path);
  if (ema.size > 0) checkState(ema, config, path);
  const snapshot = { state, optimizer, steps, ...(ema.size === 0 ? {} : { ema }) };
  return { ...rest, config, recipe: resolveRecipe(rest.recipe), snapshot };
}

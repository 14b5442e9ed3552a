/**
 * A training between two steps: all that is needed to go on to the same last bit.
 * What is drawn is a function of seed, epoch and step, and so needs no state of its own.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { resolveConfig, type ModelConfig } from '../core/config.js';
import { WeightsError } from '../core/errors.js';
import { checkState, checkValues } from '../core/parameters.js';
import type { StateDict, Tensor } from '../core/tensor.js';
import { atomicWrite } from '../io/atomicWrite.js';
import { readBytes } from '../io/readFile.js';
import { reasonOf } from '../io/reason.js';
import { decodeSafetensors, encodeSafetensors } from '../io/safetensors.js';
import type { Origin } from './origin.js';
import { resolveRecipe, type Recipe } from './recipe.js';
import type { Tally } from './scores.js';
import { verifyDigest, DIGEST_KEY, insertDigest, NO_DIGEST } from './fileDigest.js';
import type { Snapshot } from './trainer.js';

/** The best epoch so far, by top-1 on the held-out images. */
export interface Best {
  readonly epoch: number;
  /** Null where no images are held out: then the last is the best. */
  readonly top1: number | null;
}

export interface Checkpoint {
  /** As it stands: the deploy form where the pairs were fused on the way. */
  readonly config: ModelConfig;
  readonly recipe: Recipe;
  /** Of the data that was trained on. */
  readonly images: number;
  /** Epochs done, and steps done in the one that was begun; `globalStep` counts all. */
  readonly epoch: number;
  readonly step: number;
  readonly globalStep: number;
  /** Of the epoch so far. */
  readonly tally: Tally;
  readonly best: Best | null;
  /** The best whose λ was 1: the only ones that can be fused. */
  readonly bestFusable: Best | null;
  readonly snapshot: Snapshot;
  /** Of a run in a folder; those of version 1 have none. */
  readonly origin?: Origin;
}

/** Checkpoints that are kept: the last, and the one before in case that is damaged. */
const CHECKPOINTS = 2;
const FILE_NAME = /^checkpoint-(\d{8})\.safetensors$/;
const KEY = 'vanillanet.training';
const VERSION = 3;
/** 1 does not say what it was trained on; before 3, no file says what its bytes were. */
const READABLE_VERSIONS = [1, 2, VERSION];
const FIRST_VERSION_WITH_DIGEST = 3;
type Part = 'model' | 'optimizer' | 'ema';

const fileName = (globalStep: number): string => `checkpoint-${`${globalStep}`.padStart(8, '0')}.safetensors`;

/** Checkpoints in a folder, the last first. */
export async function listCheckpoints(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((): string[] => []);
  return names
    .filter((name) => FILE_NAME.test(name))
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}

function encode({ snapshot, ...rest }: Checkpoint): Uint8Array {
  const tensors = new Map<string, Tensor>();
  const add = (tensorsOf: Part, state: StateDict | undefined): void => {
    for (const [name, tensor] of state ?? []) tensors.set(`${tensorsOf}.${name}`, tensor);
  };
  add('model', snapshot.state);
  add('optimizer', snapshot.optimizer);
  add('ema', snapshot.ema);
  const description = { version: VERSION, steps: snapshot.steps, ...rest };
  const metadata = new Map([
    [DIGEST_KEY, NO_DIGEST],
    [KEY, JSON.stringify(description)],
  ]);
  return insertDigest(encodeSafetensors(tensors, { metadata }));
}

/**
 * Writes a checkpoint whole or not at all, and removes those older than the last two.
 *
 * @returns where it is
 * @throws ParamError where it cannot be written; those before it stay
 */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint): Promise<string> {
  const path = join(folder, fileName(checkpoint.globalStep));
  await atomicWrite(path, encode(checkpoint));
  for (const old of (await listCheckpoints(folder)).slice(CHECKPOINTS)) await rm(old, { force: true });
  return path;
}

/** The tensors of a part, under their own names. */
function part(tensors: StateDict, name: Part): Map<string, Tensor> {
  const prefix = `${name}.`;
  return new Map(
    [...tensors].flatMap(([key, tensor]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), tensor]] : [])),
  );
}

type Description = Omit<Checkpoint, 'snapshot'> & { readonly version: number; readonly steps: number };

function parseDescription(text: string | undefined, path: string, isSealed: boolean): Description {
  if (text === undefined) {
    throw new WeightsError({ op: path, expected: 'a checkpoint of a training', got: 'other weights' });
  }
  const described = JSON.parse(text) as Description;
  if (!READABLE_VERSIONS.includes(described.version)) {
    const expected = `a checkpoint of version ${READABLE_VERSIONS.join(' or ')}`;
    throw new WeightsError({ op: path, expected, got: `${described.version}` });
  }
  if (described.version >= FIRST_VERSION_WITH_DIGEST && !isSealed) {
    throw new WeightsError({ op: path, expected: `${DIGEST_KEY} first in its header`, got: 'another beginning' });
  }
  return described;
}

function decode(bytes: Uint8Array, path: string): Checkpoint {
  const isSealed = verifyDigest(bytes, path);
  const { tensors, metadata } = decodeSafetensors(bytes, path);
  const { version: _, steps, ...rest } = parseDescription(metadata.get(KEY), path, isSealed);
  const config = resolveConfig(rest.config);
  const [state, optimizer, ema] = [part(tensors, 'model'), part(tensors, 'optimizer'), part(tensors, 'ema')];
  checkState(state, config, path);
  for (const [name, { data }] of optimizer) checkValues(name, data, 0, path);
  if (ema.size > 0) checkState(ema, config, path);
  const snapshot = { state, optimizer, steps, ...(ema.size === 0 ? {} : { ema }) };
  return { ...rest, config, recipe: resolveRecipe(rest.recipe), snapshot };
}

/**
 * Reads a checkpoint and holds it against its SHA-256 and its own configuration.
 *
 * @throws WeightsError for a file that is damaged or no checkpoint
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const bytes = await readBytes(path, WeightsError);
  try {
    return decode(bytes, path);
  } catch (cause) {
    if (cause instanceof WeightsError) throw cause;
    // Of an older file, which has no SHA-256: its text is no JSON, or its keys are none.
    throw new WeightsError({ op: path, expected: 'a whole checkpoint', got: reasonOf(cause) }, { cause });
  }
}

/**
 * The last checkpoint of a folder that is whole; null where there is none at all.
 *
 * @param onDamage told of one that is passed over
 * @throws WeightsError where there are some, and none is whole
 */
export async function readLastCheckpoint(
  folder: string,
  onDamage: (error: WeightsError) => void,
): Promise<Checkpoint | null> {
  let damage: WeightsError | null = null;
  for (const path of await listCheckpoints(folder)) {
    try {
      return await readCheckpoint(path);
    } catch (error) {
      if (!(error instanceof WeightsError)) throw error;
      damage = error;
      onDamage(error);
    }
  }
  if (damage !== null) throw damage;
  return null;
}

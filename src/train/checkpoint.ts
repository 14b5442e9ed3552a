/**
 * Checkpoints: everything that a training run needs to resume between two steps with the same bits. Random numbers are
 * functions of seed, epoch and step, so that they need no state.
 */
import { readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { WeightsError } from '../core/errors.js';
import { atomicWrite } from '../io/atomicWrite.js';
import { readSafetensorsBytes } from '../io/readSafetensors.js';
import { reasonOf } from '../io/reason.js';
import { decodeCheckpoint, encodeCheckpoint, type Checkpoint } from './checkpointFile.js';

export type { Best, Checkpoint } from './checkpointFile.js';

/** Checkpoints that a folder keeps: the last, and the one before it in case the last is damaged. */
const CHECKPOINTS = 2;
const FILE_NAME = /^checkpoint-(\d{8})\.safetensors$/;

const fileName = (globalStep: number): string => `checkpoint-${`${globalStep}`.padStart(8, '0')}.safetensors`;

/** Paths of the checkpoints in a folder, the last first. */
export async function listCheckpoints(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((): string[] => []);
  return names
    .filter((name) => FILE_NAME.test(name))
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}

/**
 * Writes a checkpoint, completely or not at all, and removes those before the last two.
 *
 * @returns its path
 * @throws ParamError if it cannot be written; earlier checkpoints are kept
 */
export async function writeCheckpoint(folder: string, checkpoint: Checkpoint): Promise<string> {
  const path = join(folder, fileName(checkpoint.globalStep));
  await atomicWrite(path, encodeCheckpoint(checkpoint));
  for (const old of (await listCheckpoints(folder)).slice(CHECKPOINTS)) {
    // Windows does not remove a file that another process has open: it is removed with a later checkpoint.
    await rm(old, { force: true }).catch(() => undefined);
  }
  return path;
}

/**
 * Reads a checkpoint and checks it against its SHA-256 and its own configuration.
 *
 * @throws WeightsError for a file that is damaged or no checkpoint
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const bytes = await readSafetensorsBytes(path);
  try {
    return decodeCheckpoint(bytes, path);
  } catch (cause) {
    if (cause instanceof WeightsError) throw cause;
    // A damaged file of an older version, which has no SHA-256: invalid JSON, or invalid keys.
    throw new WeightsError({ op: path, expected: 'a whole checkpoint', got: reasonOf(cause) }, { cause });
  }
}

/**
 * Reads the last undamaged checkpoint of a folder.
 *
 * @param onDamage called with the error of each damaged checkpoint after the one that is returned
 * @returns null if the folder has no checkpoints
 * @throws WeightsError if all checkpoints are damaged
 */
export async function readLastCheckpoint(
  folder: string,
  onDamage: (error: WeightsError) => void,
): Promise<Checkpoint | null> {
  const errors: WeightsError[] = [];
  for (const path of await listCheckpoints(folder)) {
    try {
      const checkpoint = await readCheckpoint(path);
      errors.forEach(onDamage);
      return checkpoint;
    } catch (error) {
      if (!(error instanceof WeightsError)) throw error;
      errors.push(error);
    }
  }
  if (errors.length > 0) throw allDamaged(folder, errors);
  return null;
}

const DAMAGED_HINT =
  'Copy an older checkpoint into the folder, or start a new run with --output. Its weights, such as best.safetensors, ' +
  'can still be fused and evaluated.';

function allDamaged(folder: string, errors: readonly WeightsError[]): WeightsError {
  const each = errors.map(({ op, expected, got }) => `${basename(op)} (expected ${expected}, got ${got})`);
  const got = `${errors.length === 1 ? 'none, but one' : `none, but ${errors.length}`} damaged: ${each.join(', ')}`;
  return new WeightsError(
    { op: folder, expected: 'a whole checkpoint', got, hint: DAMAGED_HINT },
    { cause: errors[0] },
  );
}

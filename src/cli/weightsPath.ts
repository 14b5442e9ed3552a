import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { nearestName } from '../core/check.js';
import type { VariantName } from '../core/config.js';
import { WeightsError } from '../core/errors.js';
import { displayName, foreignScheme, isUrl, schemeHint } from '../io/location.js';
import { pathOf } from '../io/openFile.js';
import { hintOf, reasonOf } from '../io/reason.js';
import { STDIN } from '../formats/openLocation.js';
import { listCheckpoints } from '../train/checkpoint.js';
import { fetchNamed, isVariantName } from './namedWeights.js';

/** Entries of a folder that are looked at; a folder may be that of millions of images. */
const MOST = 1000;

const ENDING = /\.(safetensors|json|pth|pt|pdparams|onnx)$/;

/** Not the checkpoints and the recipe in the folder of a run. */
const isWeights = (name: string): boolean =>
  ENDING.test(name) && !/^(checkpoint-\d+\.safetensors|config\.json)$/.test(basename(name));
const stemOf = (name: string): string => basename(name).replace(ENDING, '');

/** The network that a run ends with, which classifies as it is. */
const isFused = (file: string): boolean => basename(file).startsWith('deploy');

const entriesOf = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder).catch(() => [])).slice(0, MOST).sort();

/** The weight files in a folder and in its subfolders, such as those of runs. */
async function weightsIn(folder: string): Promise<readonly string[]> {
  const names = await entriesOf(folder);
  const nested = await Promise.all(
    names
      .filter((name) => !name.startsWith('.') && name !== 'node_modules' && !isWeights(name))
      .map(async (name) => (await entriesOf(join(folder, name))).map((each) => join(folder, name, each))),
  );
  return [...names.map((name) => join(folder, name)), ...nested.flat()].filter(isWeights);
}

/** The existing file that was probably meant: of the same name with an ending, of a similar name, or in a subfolder. */
async function nearestFile(path: string): Promise<string | undefined> {
  const files = await weightsIn(dirname(path));
  const beside = files.filter((file) => dirname(file) === dirname(join(path)));
  const stem = stemOf(path);
  const similar = nearestName(stem, beside.map(stemOf));
  return (
    beside.find((file) => stemOf(file) === stem) ??
    beside.find((file) => stemOf(file) === similar) ??
    files.find((file) => stemOf(file) === stem)
  );
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

function checkedPath(path: string, refuse: (cause: unknown) => never): string {
  try {
    return pathOf(path);
  } catch (cause) {
    return refuse(cause);
  }
}

/** The hint for a missing file: one that was probably meant, or the name by which it is fetched. */
function missingHint(path: string, nearest: string | undefined): string | undefined {
  if (nearest !== undefined) return `Did you mean ${nearest}?`;
  const name = stemOf(path);
  return isVariantName(name) ? `Pass ${name}, without an ending, to fetch the official weights.` : undefined;
}

/**
 * Checks that weights exist, and returns their path or URL; that of standard input for `-`. The name of a variant, if there is no file of that name, is
 * that of the official weights, which are fetched.
 *
 * @throws DataError, ParamError if official weights cannot be fetched
 * @throws WeightsError for a missing file, with the nearest existing one, and for a folder, with the files in it
 */
export async function checkWeightsPath(path: string): Promise<string> {
  if (path === STDIN) return '/dev/stdin';
  if (isUrl(path) || foreignScheme(path) !== null) return path;
  const expected = 'a readable file';
  const op = displayName(path);
  const refuse = (cause: unknown, nearest?: string): never => {
    const hint = missingHint(path, nearest) ?? schemeHint(path) ?? hintOf(cause);
    throw new WeightsError({ op, expected, got: reasonOf(cause), hint }, { cause });
  };
  const stats = await stat(checkedPath(path, refuse)).catch(async (cause: unknown) => {
    if (isMissing(cause) && isVariantName(path)) return null;
    return refuse(cause, isMissing(cause) ? await nearestFile(path) : undefined);
  });
  if (stats === null) return fetchNamed(path as VariantName);
  if (!stats.isDirectory()) return path;
  const files = [...(await weightsIn(path))].sort((a, b) => Number(isFused(b)) - Number(isFused(a)));
  const hint =
    files.length > 0
      ? `Pass a file in it: ${files.slice(0, 5).join(', ')}.`
      : (await listCheckpoints(path)).length > 0
        ? `It is that of a run without weights yet. Continue it: vanillanet train --resume ${path}.`
        : undefined;
  throw new WeightsError({ op, expected, got: 'a folder', hint });
}

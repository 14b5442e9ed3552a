/** A recipe as files have it: `batch_size` for `batchSize`, and so within `augment`. */
import { ParamError } from '../core/errors.js';
import { AUGMENT_KEYS, checkAugment, type AugmentOptions } from '../data/augment/options.js';
import { DEFAULT_RECIPE, type Recipe } from './recipe.js';

const toSnakeCase = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const withSnakeCaseKeys = (values: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [toSnakeCase(key), value as unknown]));

/** Names here by the keys of files. */
const namesByKey = <K extends string>(names: readonly K[]): ReadonlyMap<string, K> =>
  new Map(names.map((name) => [toSnakeCase(name), name]));

export const FILE_KEYS = namesByKey(Object.keys(DEFAULT_RECIPE) as (keyof Recipe)[]);
const AUGMENT_FILE_KEYS = namesByKey(AUGMENT_KEYS);

/** @throws ParamError naming the key that was meant, where it is spelled as it is here */
export function refuseKey(op: string, key: string, known: readonly string[]): never {
  const expected = known.includes(toSnakeCase(key)) ? toSnakeCase(key) : `one of ${known.join(', ')}`;
  throw new ParamError({ op, expected, got: 'an unknown key' });
}

/** @param op whose key it is, for errors @throws ParamError */
function augmentFromFile(op: string, given: unknown): AugmentOptions {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ParamError({ op, expected: 'an object', got: JSON.stringify(given) });
  }
  const named = Object.entries(given).map(([key, value]) => {
    const name = AUGMENT_FILE_KEYS.get(key);
    return [name ?? refuseKey(`${op}.${key}`, key, [...AUGMENT_FILE_KEYS.keys()]), value as unknown];
  });
  const augment = Object.fromEntries(named) as AugmentOptions;
  checkAugment(augment);
  return augment;
}

/**
 * What of a recipe a file says. Its values are those of whoever resolves the recipe to refuse,
 * but for `augment`, whose keys are looked at here.
 *
 * @param op the file, for errors
 * @throws ParamError
 */
export function recipeFromFile(op: string, file: Readonly<Record<string, unknown>>): Partial<Recipe> {
  const given = [...FILE_KEYS].flatMap(([key, name]) => (key in file ? [[name, file[key]]] : []));
  const augment = 'augment' in file ? { augment: augmentFromFile(`${op}: augment`, file['augment']) } : {};
  return { ...(Object.fromEntries(given) as Partial<Recipe>), ...augment };
}

export const recipeToFile = (recipe: Recipe): Record<string, unknown> => ({
  ...withSnakeCaseKeys(recipe),
  augment: withSnakeCaseKeys(recipe.augment),
});

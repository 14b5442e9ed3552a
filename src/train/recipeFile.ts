/** Recipes in files, whose keys are in snake_case: `batch_size` for `batchSize`, also within `augment`. */
import { checkKeys } from '../core/check.js';
import { ParamError } from '../core/errors.js';
import { AUGMENT_KEYS, checkAugment, type AugmentOptions } from '../data/augment/options.js';
import { DEFAULT_RECIPE, type Recipe } from './recipe.js';

const toSnakeCase = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const withSnakeCaseKeys = (values: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).map(([key, value]) => [toSnakeCase(key), value as unknown]));

/** Names in code by their keys in files. */
const namesByKey = <K extends string>(names: readonly K[]): ReadonlyMap<string, K> =>
  new Map(names.map((name) => [toSnakeCase(name), name]));

export const FILE_KEYS = namesByKey(Object.keys(DEFAULT_RECIPE) as (keyof Recipe)[]);
const AUGMENT_FILE_KEYS = namesByKey(AUGMENT_KEYS);

/** @param op the file and key, for errors @throws ParamError */
function augmentFromFile(op: string, value: unknown): AugmentOptions {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ParamError({ op, expected: 'an object', got: JSON.stringify(value) });
  }
  checkKeys(value, [...AUGMENT_FILE_KEYS.keys()], (key) => `${op}.${key}`);
  const entries = Object.entries(value).map(([key, option]) => [AUGMENT_FILE_KEYS.get(key), option as unknown]);
  const augment = Object.fromEntries(entries) as AugmentOptions;
  checkAugment(augment);
  return augment;
}

/**
 * The values of a recipe in a file. Only `augment` is checked here; `resolveRecipe` checks the others.
 *
 * @param op the file's name in errors
 * @param file its content; keys that are not those of a recipe are ignored
 * @throws ParamError for an invalid `augment`
 */
export function recipeFromFile(op: string, file: Readonly<Record<string, unknown>>): Partial<Recipe> {
  const values = [...FILE_KEYS].flatMap(([key, name]) => (key in file ? [[name, file[key]]] : []));
  const augment = 'augment' in file ? { augment: augmentFromFile(`${op}: augment`, file['augment']) } : {};
  return { ...(Object.fromEntries(values) as Partial<Recipe>), ...augment };
}

export const recipeToFile = (recipe: Recipe): Record<string, unknown> => ({
  ...withSnakeCaseKeys(recipe),
  augment: withSnakeCaseKeys(recipe.augment),
});

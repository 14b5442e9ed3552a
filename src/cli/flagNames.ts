/** Names flags in errors: the command line has `--decay-epochs`, code has `decayEpochs`, a file `decay_epochs`. */
import { ParamError } from '../core/errors.js';
import { DEFAULT_RECIPE } from '../train/recipe.js';
import type { RecipeFlags } from './trainOptions.js';

/** Keys whose flag has another name. */
const FLAGS: Partial<Readonly<Record<string, string>>> = { horizontalFlip: 'flip', input_size: 'size' };

const separated = (name: string, separator: string): string =>
  name.replace(/[A-Z]/g, (letter) => `${separator}${letter.toLowerCase()}`).replaceAll('_', separator);

const flagOf = (key: string): string => `--${separated(FLAGS[key] ?? key, '-')}`;

/** The key of a recipe, its augmentation or a configuration that an error is about; null for another error. */
function keyOf({ op }: ParamError): string | null {
  const part = /^(?:config|augment)\.(\w+)/.exec(op);
  if (part !== null) return part[1];
  return Object.hasOwn(DEFAULT_RECIPE, op) ? op : null;
}

/** Flags for the names of values within a text. */
const withFlags = (text: string): string =>
  text.replace(/\b[a-z]+(?:[A-Z][a-z]+)+\b/g, (name) => (Object.hasOwn(DEFAULT_RECIPE, name) ? flagOf(name) : name));

/**
 * An error of a value of the recipe or the network, with the name of its flag or its key in the file; other errors as
 * they are.
 *
 * @param flags those of the command: a value without a flag is one of the file, if there is a file
 */
export function nameFlags(error: unknown, flags: RecipeFlags): unknown {
  if (!(error instanceof ParamError)) return error;
  const key = keyOf(error);
  if (key === null) return error;
  const camelCase = key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const hasFlag = [key, camelCase, FLAGS[key]].some((name) => name !== undefined && Object.hasOwn(flags, name));
  const op = hasFlag || flags.config === undefined ? flagOf(key) : `${flags.config}: ${separated(key, '_')}`;
  const { expected, got, hint } = error;
  return new ParamError({ op, expected: withFlags(expected), got, hint }, { cause: error });
}

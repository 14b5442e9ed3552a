/** What a `config.json` says that a run does not do: a resumed run continues with the recipe of its checkpoint. */
import { isRecord, show } from '../core/check.js';
import type { Checkpoint } from './checkpointFile.js';
import { recipeToFile } from './recipeFile.js';

type Values = Readonly<Record<string, unknown>>;

/** Sizes of one number stand for two. */
const isSame = (a: unknown, b: unknown): boolean =>
  JSON.stringify(a) === JSON.stringify(b) ||
  (typeof a === 'number' && Array.isArray(b) && b.length === 2 && b.every((side) => side === a));

/** The values that the checkpoint has for the keys of a description. */
function valuesOf({ recipe, config, origin }: Checkpoint): Values {
  const { spec, limit, val_limit, val_split } = origin?.data ?? {};
  const data = origin === undefined ? {} : { spec, limit, val_limit, val_split };
  const backend = origin === undefined ? {} : { 'run.backend': origin.backend };
  // Of a published variant, the configuration has sizes that the description does not need.
  const { epochs: _, ...rest } = recipeToFile(recipe);
  const entries = Object.entries(data).map(([key, value]) => [`run.data.${key}`, value]);
  return { ...config, ...rest, ...backend, ...(Object.fromEntries(entries) as Values) };
}

/** The keys of `config.json`, those of the run with their path. */
function flatten(description: Values): Values {
  const { run, ...rest } = description;
  const { data, backend } = isRecord(run) ? run : {};
  const entries = Object.entries(isRecord(data) ? data : {}).map(([key, value]) => [`run.data.${key}`, value]);
  return {
    ...rest,
    ...(backend === undefined ? {} : { 'run.backend': backend }),
    ...(Object.fromEntries(entries) as Values),
  };
}

/**
 * Each key whose value differs from that of the checkpoint, and so has no effect, with both values: `lr 0.01, not 0.003`.
 * The epochs may be raised.
 */
export function descriptionChanges(description: Values, checkpoint: Checkpoint): string[] {
  const values = valuesOf(checkpoint);
  const differences = Object.entries(flatten(description))
    .filter(([key, value]) => Object.hasOwn(values, key) && !isSame(value, values[key]))
    .map(([key, value]) => `${key} ${show(value)}, not ${show(values[key])}`);
  const { epochs } = description;
  const { epochs: before } = checkpoint.recipe;
  const isRaised = Number.isSafeInteger(epochs) && (epochs as number) >= before;
  return epochs === undefined || isRaised ? differences : [`epochs ${show(epochs)}, not ${before}`, ...differences];
}

/**
 * A run that is resumed: recipe, network, data and backend come from its folder. Flags that are given again must agree;
 * only the number of epochs can be raised, and options that do not change the result can be changed.
 */
import { stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { isRecord } from '../core/check.js';
import { resolveConfig, type ModelConfig, type ModelConfigInput } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { isSetName } from '../data/sets/find.js';
import type { Origin, StoredFlags } from '../train/origin.js';
import { resolveRecipe, type Recipe } from '../train/recipe.js';
import { recipeToFile } from '../train/recipeFile.js';
import type { RunFolder } from '../train/runFolder.js';
import { flagOf, STORED_FLAGS, type TrainFlags } from './trainFlags.js';
import type { RunPlan } from './runPlan.js';
import { NETWORK_KEYS, resolvePlan, type NetworkKey } from './trainOptions.js';

/** Whether a flag is on the command line, by its name in `TrainFlags`. */
export type IsGiven = (name: string) => boolean;

/** Flags that choose the images, which `--accept-data` lets change. */
const DATA_FLAGS = ['limit', 'valLimit', 'valSplit'] as const;

/** The flags of network keys that have another name. */
const NETWORK_FLAGS: Readonly<Partial<Record<NetworkKey, string>>> = { input_size: 'size' };
/** Flags of `augment`. */
const AUGMENT_FLAGS = [
  ...['randomCrop', 'randomResizedCrop', 'cropInterpolation', 'flip', 'rotation', 'colorJitter', 'randAugment'],
  ...['randomErasing', 'augment'],
];
/** Values that are computed if no flag sets them: a preset alone says nothing about them. */
const COMPUTED: readonly string[] = ['decayEpochs', 'warmupEpochs', 'gradAccumSteps'] satisfies (keyof Recipe)[];

const refuse = (op: string, expected: string, got: string, hint?: string): never => {
  throw new ParamError({ op, expected: `${expected}, as in the run`, got, hint });
};

const textOf = (value: unknown): string =>
  value === undefined || value === null ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);

/** Recipe and network of a run, in the form of flags and files. */
interface Stored {
  readonly recipe: Recipe;
  readonly config: ModelConfigInput;
}

/** The keys that a file may set; a published variant has its dims itself. */
function networkOf(config: ModelConfig): ModelConfigInput {
  const { variant } = config;
  const keys = NETWORK_KEYS.filter((key) =>
    variant === undefined ? key !== 'variant' : !['dims', 'strides', 'ada_pool'].includes(key),
  );
  return Object.fromEntries(keys.map((key) => [key, config[key]]));
}

/** Where the data of the run are, if this process was started in another folder: a path is relative to the first one. */
async function locate(spec: string, directory: unknown): Promise<string> {
  if (typeof directory !== 'string' || isAbsolute(spec) || isSetName(spec)) return spec;
  const exists = (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    );
  const path = join(directory, spec);
  return resolve(spec) !== path && (await exists(path)) ? path : spec;
}

/** The origin in `config.json`, if it has the form that this version writes. */
function originIn({ description }: RunFolder): Origin | null {
  const run = description?.['run'];
  if (!isRecord(run) || typeof run['backend'] !== 'string' || !isRecord(run['data'])) return null;
  return typeof run['data']['spec'] === 'string' ? (run as unknown as Origin) : null;
}

/** The flags of the backend that an origin names: `wasm plain`, `tfjs:tfjs-node`. */
function backendFlags(name: string): Partial<TrainFlags> {
  const [backend, build] = name.split(' ') as [string, TrainFlags['build']?];
  return build === undefined ? { backend } : { backend, build };
}

/** Refuses flags of the backend and the data that contradict the run. */
function checkFlags(flags: TrainFlags, stored: Partial<TrainFlags>, isGiven: IsGiven): void {
  const names = ['backend', 'build', ...(flags.acceptData ? [] : DATA_FLAGS)] as const;
  for (const name of names) {
    // Names that stand for several: the backend is compared after it is opened.
    if (!isGiven(name) || flags[name] === stored[name] || flags[name] === 'tfjs' || flags[name] === 'auto') continue;
    // Backends other than WebAssembly have no builds.
    if (name === 'build' && stored.build === undefined) continue;
    const isData = name !== 'backend' && name !== 'build';
    const hint = isData ? 'Accept other images with --accept-data.' : 'Another backend yields other weights.';
    refuse(flagOf(name), textOf(stored[name]), textOf(flags[name]), hint);
  }
}

/**
 * The flags of a resumed run: those on the command line, else those that it began with, else the defaults.
 *
 * @throws ParamError naming a flag that contradicts the run
 */
export async function resumedFlags(folder: RunFolder, flags: TrainFlags, isGiven: IsGiven): Promise<TrainFlags> {
  const origin = folder.checkpoint?.origin ?? originIn(folder);
  if (origin === null) return flags;
  const { spec, limit, val_limit, val_split } = origin.data;
  const run = folder.description?.['run'];
  const stored: Partial<TrainFlags> = {
    ...backendFlags(origin.backend),
    data: await locate(spec, isRecord(run) ? run['directory'] : undefined),
    ...withoutNull({ limit, valLimit: val_limit, valSplit: val_split }),
    ...parseStored(origin.flags ?? {}),
  };
  if (folder.checkpoint?.origin !== undefined) checkFlags(flags, stored, isGiven);
  const given = Object.fromEntries(Object.entries(flags).filter(([name]) => isGiven(name)));
  return { ...flags, ...stored, ...given };
}

const withoutNull = (values: Readonly<Record<string, number | null>>): Partial<TrainFlags> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));

/** Flags in `config.json`, which may have been edited: values of another type are ignored. */
const parseStored = (stored: StoredFlags): Partial<TrainFlags> =>
  Object.fromEntries(
    STORED_FLAGS.flatMap(([name, isValid]) => {
      const value = stored[name];
      return isValid(value) ? [[name, value]] : [];
    }),
  );

/** The weights that a run without a checkpoint starts from again; whether it drew a new head. */
export async function restartedInit(folder: RunFolder): Promise<Pick<TrainFlags, 'init' | 'newHead'>> {
  const run = folder.description?.['run'];
  const init: unknown = isRecord(run) ? run['init'] : undefined;
  if (!isRecord(run) || !isRecord(init) || typeof init['file'] !== 'string') return {};
  const { file, redrawn } = init;
  const isNew = Array.isArray(redrawn) && redrawn.length > 0;
  return { init: await locate(file, run['directory']), ...(isNew ? { newHead: true } : {}) };
}

/** Requires that a run that starts again starts from the same weights. @throws ParamError */
export function checkInitialWeights(folder: RunFolder, { init }: RunPlan): void {
  const run = folder.description?.['run'];
  const before: unknown = isRecord(run) && isRecord(run['init']) ? run['init']['sha256'] : undefined;
  if (init === undefined || typeof before !== 'string' || init.source.sha256 === before) return;
  throw new ParamError({
    op: init.source.file,
    expected: `the weights that the run began with (sha256 ${before.slice(0, 12)}…)`,
    got: `others (sha256 ${init.source.sha256.slice(0, 12)}…)`,
    hint: 'Copy the file back, or start a new run in another folder with --output.',
  });
}

/** The flags that a run stores: those on the command line, now or when the run began. */
export function flagsToStore(folder: RunFolder, flags: TrainFlags, isGiven: IsGiven): StoredFlags {
  const before = (folder.checkpoint?.origin ?? originIn(folder))?.flags ?? {};
  const isStored = (name: string): boolean => isGiven(name) || Object.hasOwn(before, name);
  return Object.fromEntries(STORED_FLAGS.flatMap(([name]) => (isStored(name) ? [[name, flags[name]]] : [])));
}

/** Whether a `config.json` has the values of a recipe but for the epochs: it may be that of another run. */
function isSameRecipe(description: RunFolder['description'], recipe: Recipe): boolean {
  const values = Object.entries(recipeToFile(recipe)).filter(([key]) => key !== 'epochs');
  return values.every(([key, value]) => JSON.stringify(description?.[key]) === JSON.stringify(value));
}

/** The recipe and the network of a run; its last number of epochs, which a resume may have raised. */
function storedPlan({ checkpoint, description }: RunFolder): Stored | null {
  if (checkpoint === null) return null;
  const { recipe, config } = checkpoint;
  const epochs = isSameRecipe(description, recipe) ? description?.['epochs'] : 0;
  const raised = typeof epochs === 'number' && Number.isSafeInteger(epochs) ? epochs : 0;
  return { recipe: { ...recipe, epochs: Math.max(recipe.epochs, raised) }, config: networkOf(config) };
}

/** Requires that what the flags say agrees with the run. */
function checkPlan(before: RunPlan, now: RunPlan, flags: TrainFlags, isGiven: IsGiven): void {
  const source = flags.config === undefined ? '--preset' : '--config';
  const compare = (names: readonly string[], old: unknown, value: unknown, what = flagOf(names[0])): void => {
    if (JSON.stringify(old) === JSON.stringify(value)) return;
    const name = names.find(isGiven);
    if (name === undefined) refuse(source, `${what} ${textOf(old)}`, textOf(value));
    // Augmentation as a whole can only be dropped.
    else refuse(name === 'augment' ? '--no-augment' : flagOf(name), textOf(old), textOf(value));
  };
  for (const key of Object.keys(before.recipe) as (keyof Recipe)[]) {
    if (key === 'epochs' || (COMPUTED.includes(key) && !now.explicit.has(key))) continue;
    if (key === 'augment') compare(AUGMENT_FLAGS, before.recipe.augment, now.recipe.augment, key);
    else compare([key], before.recipe[key], now.recipe[key]);
  }
  const [old, config] = [before, now].map(({ network }) => resolveConfig({ num_classes: 1, ...network }));
  for (const key of NETWORK_KEYS) {
    const name = NETWORK_FLAGS[key] ?? key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    compare([name], old[key], config[key]);
  }
  const { epochs } = before.recipe;
  if (now.explicit.has('epochs') && now.recipe.epochs < epochs) {
    refuse('--epochs', `at least ${epochs}`, `${now.recipe.epochs}`, 'More epochs than before make a run longer.');
  }
}

const allOf = (recipe: Recipe): ReadonlySet<string> => new Set(Object.keys(recipe));

/** @param explicit values that nothing computes; all of them for a run that has begun */
const planOf = (recipe: Recipe, network: ModelConfigInput, explicit = allOf(recipe)): RunPlan => ({
  ...{ recipe, network, explicit, notes: [] },
  inputSize: resolveConfig({ num_classes: 1, ...network }).input_size,
});

/**
 * Recipe and network of a resumed run, with the epochs of the flags.
 *
 * @returns null for a run without a checkpoint, which starts from the beginning with its flags
 * @throws ParamError naming a flag that contradicts the run
 */
export async function resumedPlan(folder: RunFolder, flags: TrainFlags, isGiven: IsGiven): Promise<RunPlan | null> {
  const stored = storedPlan(folder);
  if (stored === null) return null;
  const before = planOf(stored.recipe, stored.config);
  const merged = await resolvePlan(flags, stored);
  const now = planOf(resolveRecipe(merged.recipe), merged.network, merged.explicit);
  checkPlan(before, now, flags, isGiven);
  const epochs = now.explicit.has('epochs') ? now.recipe.epochs : stored.recipe.epochs;
  return planOf({ ...stored.recipe, epochs }, stored.config);
}

/**
 * The flags of a run without a checkpoint: those of its `config.json` below those on the command line.
 *
 * @throws ParamError for a folder without a run
 */
export function restartedFlags(folder: RunFolder, flags: TrainFlags, isGiven: IsGiven): TrainFlags {
  if (folder.description !== null) {
    return flags.config === undefined && flags.preset === undefined
      ? { ...flags, config: join(folder.path, 'config.json') }
      : flags;
  }
  if (folder.descriptionError !== null && flags.config === undefined) throw folder.descriptionError;
  const hasOthers = Object.keys(flags).some((name) => !['resume', 'output', 'json'].includes(name) && isGiven(name));
  if (hasOthers) return flags;
  const hint = 'Start a new run: leave out --resume.';
  throw new ParamError({ op: folder.path, expected: 'the folder of a run', got: 'one without a run', hint });
}

/** What flags, file, preset and the weights to start from say together, before the data are opened. */
import { countDisplay } from './countBar.js';
import { show } from '../core/check.js';
import { resolveConfig, type ModelConfig, type ModelConfigInput } from '../core/config.js';
import { ParamError, ShapeError } from '../core/errors.js';
import { frozenTensors } from '../core/freeze.js';
import { checkInputSize } from '../core/network.js';
import type { Size } from '../core/shapes.js';
import { displayName } from '../io/location.js';
import { resolveRecipe, type Recipe } from '../train/recipe.js';
import { readInitialWeights, type InitialWeights } from './initialWeights.js';
import { printText } from './print.js';
import { flagOf, type TrainFlags } from './trainFlags.js';
import { NETWORK_KEYS, resolvePlan, type NetworkKey, type Plan } from './trainOptions.js';

/** A run before its data are opened. */
export interface RunPlan {
  /** The weights to start from; absent for random ones, and for a run that has a checkpoint. */
  readonly init?: InitialWeights;
  readonly network: ModelConfigInput;
  readonly recipe: Recipe;
  readonly notes: Plan['notes'];
  readonly explicit: Plan['explicit'];
  readonly inputSize: Size;
}

/**
 * Merges flags, file and preset, and reads the weights to start from.
 *
 * @throws ParamError for an invalid recipe or network; WeightsError for weights that cannot be read
 */
export async function planRun(options: TrainFlags): Promise<RunPlan> {
  const { init: location } = options;
  if (location !== undefined) return planFineTuning(location, options);
  const { recipe: values, network, notes, explicit } = await resolvePlan(options);
  const recipe = resolveRecipe(values);
  refuseWithoutWeights(recipe, options);
  const { input_size: inputSize } = checkNetwork(network);
  return { network, recipe, notes, explicit, inputSize };
}

/** Checks the network before the data are opened. @throws ParamError */
function checkNetwork(network: ModelConfigInput): ModelConfig {
  const { in_chans: channels = 3 } = network;
  if (channels !== 3 && channels !== 1) {
    const got = JSON.stringify(channels);
    const hint = 'Train on images of other channels in code: train() of vanillanet/train.';
    throw new ParamError({ op: 'config.in_chans', expected: '3, or 1 for grayscale, as images are read', got, hint });
  }
  const config = resolveConfig({ num_classes: 1, ...network });
  checkSize(config);
  if (config.article_stem && config.ada_pool === null) {
    const hint = 'Add --ada-pool, or omit --article-stem: without adaptive pools, both stems are the same.';
    throw new ParamError({ op: 'config.article_stem', expected: 'a network with adaptive pools', got: 'none', hint });
  }
  return config;
}

/** Requires images that are large enough for the strides. @throws ParamError */
function checkSize(config: ModelConfig): void {
  try {
    checkInputSize(config);
  } catch (cause) {
    if (!(cause instanceof ShapeError)) throw cause;
    const { op, expected, got } = cause;
    throw new ParamError({ op: 'config.input_size', expected: `${expected} at ${op}`, got }, { cause });
  }
}

/** Values of the recipe that are for a network that was trained before. */
const FINE_TUNING = ['freeze', 'headLr'] as const;

/** Refuses what has no sense for random weights. @throws ParamError */
function refuseWithoutWeights(recipe: Recipe, { newHead }: TrainFlags): void {
  const expected = '--init FILE, with the weights to start from';
  const got = 'random weights';
  if (newHead === true)
    throw new ParamError({ op: '--new-head', expected, got, hint: 'Add --init, or omit --new-head.' });
  for (const name of FINE_TUNING) {
    if (JSON.stringify(recipe[name]) === JSON.stringify(name === 'freeze' ? [] : null)) continue;
    throw new ParamError({ op: name, expected, got, hint: `Add --init, or omit ${flagOf(name)}.` });
  }
}

/** Keys that the shapes of the weights, or what was computed with them, determine. */
const ARCHITECTURE = [
  'dims',
  'strides',
  'ada_pool',
  'article_stem',
  'in_chans',
  'act_num',
] as const satisfies NetworkKey[];
/** Keys that a file of another framework may not say. */
const AMBIGUOUS = ['variant', 'dims', 'strides', 'ada_pool', 'article_stem'] as const satisfies NetworkKey[];

const pick = (input: ModelConfigInput, keys: readonly NetworkKey[]): ModelConfigInput =>
  Object.fromEntries(keys.flatMap((key) => (input[key] === undefined ? [] : [[key, input[key]]])));

/** What flags and the file say of the network must be what the weights are. @throws ParamError */
function checkSameNetwork(
  file: string,
  before: ModelConfig,
  stated: ModelConfigInput,
  network: ModelConfigInput,
): void {
  const hint = 'Omit it: the weights decide the network. For another network, omit --init.';
  const refuse = (key: string, expected: string, got: string): never => {
    throw new ParamError({
      ...{ op: `config.${key}`, expected: `${expected}, as in ${displayName(file)}`, got, hint },
    });
  };
  const now = resolveConfig({ num_classes: 1, ...network });
  for (const key of ARCHITECTURE) {
    if (JSON.stringify(before[key]) === JSON.stringify(now[key])) continue;
    if (typeof stated.variant === 'string') {
      refuse('variant', before.variant ?? `dims ${before.dims.join(',')}`, stated.variant);
    }
    refuse(key, show(before[key]), show(now[key]));
  }
}

/** The plan of a run that starts from trained weights: they decide the network, and λ is 1 unless its rise is stated. */
async function planFineTuning(location: string, options: TrainFlags): Promise<RunPlan> {
  const { stated } = await resolvePlan(options);
  const init = await readWithProgress(location, pick(stated, AMBIGUOUS), options);
  const keys = NETWORK_KEYS.filter((key) => key !== 'variant');
  const plan = await resolvePlan(options, undefined, pick(init.config, keys));
  checkSameNetwork(location, init.config, stated, plan.network);
  const { input_size: inputSize } = checkNetwork(plan.network);
  const recipe = resolveRecipe(plan.explicit.has('decayEpochs') ? plan.recipe : { ...plan.recipe, decayEpochs: 0 });
  checkForm(init, recipe);
  return {
    network: plan.network,
    recipe,
    notes: plan.notes,
    explicit: new Set([...plan.explicit, 'decayEpochs']),
    inputSize,
    init,
  };
}

/** Refuses what needs the train form, and parts that the network does not have. @throws ParamError */
function checkForm({ config, source }: InitialWeights, { freeze, decayEpochs, fuseAtDecay }: Recipe): void {
  frozenTensors(freeze, config);
  if (config.form === 'train') return;
  const got = `the deploy form in ${displayName(source.file)}, which is fused`;
  const refuse = (op: string): never => {
    const hint = `Omit ${flagOf(op)}, or start from weights of the train form.`;
    throw new ParamError({ op, expected: 'the train form', got, hint });
  };
  if (decayEpochs > 0) refuse('decayEpochs');
  if (fuseAtDecay) refuse('fuseAtDecay');
}

const MEBIBYTE = 2 ** 20;
/** Of work on a file: smaller ones take no time. */
const LEAST = 128 * MEBIBYTE;

/** Reads the weights, and shows the progress of a large file. */
async function readWithProgress(
  location: string,
  stated: ModelConfigInput,
  { json }: TrainFlags,
): Promise<InitialWeights> {
  const line = (text: string): void => {
    if (!json) printText(process.stdout, text);
  };
  const count = countDisplay({ what: `${displayName(location)}, MiB read and checked`, line });
  try {
    let shown = 0;
    return await readInitialWeights(location, stated, (done, total) => {
      const mebibytes = Math.floor(done / MEBIBYTE);
      if (total < LEAST || mebibytes === shown) return;
      shown = mebibytes;
      count.show(mebibytes, Math.floor(total / MEBIBYTE));
    });
  } finally {
    count.end();
  }
}

/** The start of a fine-tuning: the weights, with a head for the classes of the data. */
import type { ModelConfig } from '../core/config.js';
import { ParamError } from '../core/errors.js';
import { frozenTensors } from '../core/freeze.js';
import { isBuffer, parameterShapes } from '../core/parameters.js';
import { sizeOf, type StateDict } from '../core/tensor.js';
import { displayName } from '../io/location.js';
import { checkNewHead } from '../train/fineTune.js';
import type { Origin } from '../train/origin.js';
import type { Recipe } from '../train/recipe.js';
import type { RunFolder } from '../train/runFolder.js';
import { transferWeights } from '../train/transferWeights.js';
import type { InitialWeights } from './initialWeights.js';

/** What a run starts from, and what the user should know about it. */
export interface Start {
  readonly notes: readonly string[];
  /** Empty for random weights. */
  readonly state: { readonly state?: StateDict };
  readonly init: Pick<Origin, 'init'>;
}

const RANDOM: Start = { notes: [], state: {}, init: {} };

interface StartOptions {
  readonly init?: InitialWeights;
  /** Whether the head is drawn even for as many classes. */
  readonly newHead: boolean;
}

/** The names of classes in a line: the first ones. */
const someOf = (names: readonly string[]): string =>
  names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')}, …`;

const isSame = (a: readonly string[] | null, b: readonly string[] | null): boolean =>
  JSON.stringify(a) === JSON.stringify(b);

/**
 * Fits the weights to the classes of the data.
 *
 * @param config of the run
 * @throws ParamError for parts and rates that do not fit
 */
export function startOf({ init, newHead }: StartOptions, config: ModelConfig, recipe: Recipe): Start {
  const { class_names: classes } = config;
  if (init === undefined || classes === null) return RANDOM;
  const { seed, initTruncation, freeze } = recipe;
  const { hasHead, source } = init;
  const transfer = transferWeights(init, classes, { seed, initTruncation, newHead: newHead || !hasHead });
  const { state, taken, redrawn } = transfer;
  if (recipe.headLr !== null && redrawn.length === 0) {
    const got = `the head in ${displayName(source.file)}, for as many classes`;
    throw new ParamError({ op: 'headLr', expected: 'a new head', got, hint: 'Omit --head-lr, or add --new-head.' });
  }
  checkNewHead(recipe, redrawn);
  const file = `${displayName(source.file)} (${source.format}, the ${source.form} form)`;
  const drawn = redrawn.length === 0 ? '' : `, ${redrawn.length} of a new head drawn: ${redrawn.join(', ')}`;
  const others = init.config.class_names;
  const isOther = redrawn.length === 0 && others !== null && !isSame(others, classes);
  return {
    state: { state },
    init: { init: { ...source, taken, redrawn } },
    notes: [
      ...init.notes.map((text) => `init   ${text}`),
      `init   ${taken.length} tensors of ${file}${drawn}`,
      ...(isOther ? [`head   taken, for other classes (${someOf(others)}); --new-head draws a new one`] : []),
      ...frozenNote(freeze, config),
      ...lambdaNote(init.config, recipe),
    ],
  };
}

/** The line about the parts that stay as they are. */
function frozenNote(freeze: readonly string[], config: ModelConfig): string[] {
  if (freeze.length === 0) return [];
  const frozen = frozenTensors(freeze, config);
  const parameters = [...parameterShapes(config)].filter(([name]) => !isBuffer(name));
  const count = (all: readonly (readonly [string, readonly number[]])[]): number =>
    all.reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
  const still = count(parameters.filter(([name]) => frozen.has(name))).toLocaleString('en-US');
  return [
    `freeze ${freeze.join(', ')}: ${still} of ${count(parameters).toLocaleString('en-US')} parameters stay as they are`,
  ];
}

/** The line about λ, if it does not go on as before. */
function lambdaNote({ form, lambda }: ModelConfig, { decayEpochs }: Recipe): string[] {
  if (form === 'deploy') return [];
  if (decayEpochs > 0)
    return [`lambda rises again, from 0 to 1 in ${decayEpochs} epoch${decayEpochs === 1 ? '' : 's'}`];
  if (lambda === 1) return [];
  return [
    `lambda 1 from the first step; ${lambda === null ? 'the file does not say its own' : `in the file it is ${lambda}`}`,
  ];
}

/** What a run records of its start: a resumed run what it recorded before. */
export const initOf = ({ checkpoint }: RunFolder, start: Start): Pick<Origin, 'init'> => {
  const before = checkpoint?.origin?.init;
  return before === undefined ? start.init : { init: before };
};

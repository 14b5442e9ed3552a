/** The part of an interrupted training that is not its state, and the checks of it. */
import { checkInteger, checkObject } from './check.js';
import { checkStateDict } from './checkState.js';
import type { ModelConfig } from './config.js';
import { ParamError, WeightsError } from './errors.js';
import type { OptimizerKind } from './optimizer.js';
import { checkState, checkParameter, isBuffer, parameterShapes } from './parameters.js';
import { formatShape, type StateDict } from './tensor.js';

/** What a training needs besides its state to continue. */
export interface Resume {
  /** `exp_avg.<param>` and `exp_avg_sq.<param>`, or `momentum_buffer.<param>`; empty before the first step. */
  readonly optimizer: StateDict;
  /** Steps so far. */
  readonly steps: number;
  /** The averaged state; without it, the average starts from the state. */
  readonly ema?: StateDict;
}

/** Optimizers with the same moments: Adam, AdamW and LAMB, or SGD. */
export type Family = 'adam' | 'sgd';

const MOMENTS: Readonly<Record<Family, readonly string[]>> = {
  adam: ['exp_avg', 'exp_avg_sq'],
  sgd: ['momentum_buffer'],
};

/** The family of the moments; null if there are none before the first step. */
export function familyOf(resume: Resume | undefined): Family | null {
  if (resume === undefined || resume.steps === 0) return null;
  return [...resume.optimizer.keys()].some((name) => name.startsWith('momentum_buffer.')) ? 'sgd' : 'adam';
}

/** The family of a step. @param before the family of the existing moments, or null @throws ParamError if they differ */
export function familyAfter(kind: OptimizerKind, before: Family | null): Family {
  const family = kind === 'sgd' ? 'sgd' : 'adam';
  if (before === null || before === family) return family;
  const expected = before === 'sgd' ? 'sgd, as before' : 'adam, adamw or lamb, as before';
  throw new ParamError({ op: 'optimizer', expected, got: kind });
}

/** Reports that a training has no average. @throws ParamError always */
export function refuseAverage(): never {
  throw new ParamError({
    op: 'ema',
    expected: 'a training opened with ema',
    got: 'one without',
    hint: 'Open the training with { ema: true }.',
  });
}

/** Checks that there are exactly the moments of a family: a missing one would silently start from zero. */
function checkMoments(
  moments: StateDict,
  family: Family | null,
  config: ModelConfig,
  frozen: ReadonlySet<string>,
): void {
  const parameters = [...parameterShapes(config)].filter(([name]) => !isBuffer(name) && !frozen.has(name));
  const kinds = family === null ? [] : MOMENTS[family];
  const expected: ReadonlyMap<string, readonly number[]> = new Map(
    kinds.flatMap((kind) => parameters.map(([name, shape]) => [`${kind}.${name}`, shape])),
  );
  for (const [name, shape] of expected) {
    const moment = moments.get(name);
    const got = moment === undefined ? 'none of that name' : formatShape(moment.shape);
    if (moment === undefined || got !== formatShape(shape)) {
      throw new WeightsError({ op: name, expected: `a tensor ${formatShape(shape)}`, got });
    }
    checkParameter(name, moment);
  }
  for (const name of moments.keys()) {
    if (expected.has(name)) continue;
    throw new WeightsError({ op: name, expected: 'only the moments of this network', got: 'one tensor more' });
  }
}

/**
 * @param ema whether the continued run keeps an average
 * @param frozen tensors that no step changes, which have no moments
 * @throws ParamError, WeightsError
 */
export function checkResume(
  resume: Resume,
  config: ModelConfig,
  { ema, frozen }: { readonly ema: boolean; readonly frozen: ReadonlySet<string> },
): void {
  const { optimizer, steps, ema: average } = checkObject('resume', resume);
  checkInteger('resume.steps', steps, { min: 0 });
  checkStateDict('resume.optimizer', optimizer);
  checkMoments(optimizer, familyOf(resume), config, frozen);
  if (average === undefined) return;
  if (!ema) refuseAverage();
  checkState(average, config, 'ema');
}

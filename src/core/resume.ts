/** What a training goes on from, and what that is held to, whatever computes it. */
import type { ModelConfig } from './config.js';
import { ParamError, WeightsError } from './errors.js';
import type { OptimizerKind } from './optimizer.js';
import { checkState, checkParameter, isBuffer, parameterShapes } from './parameters.js';
import { formatShape, type StateDict } from './tensor.js';

/** What of a run is not its state. */
export interface Resume {
  /** `exp_avg.<param>` and `exp_avg_sq.<param>`, or `momentum_buffer.<param>`; empty before the first step. */
  readonly optimizer: StateDict;
  /** Steps made so far. */
  readonly steps: number;
  /** The averaged state; begun anew, with the state itself, where it is not given. */
  readonly ema?: StateDict;
}

/** Whose moments there are: Adam's, which AdamW and LAMB share, or SGD's. */
export type Family = 'adam' | 'sgd';

const MOMENTS: Readonly<Record<Family, readonly string[]>> = {
  adam: ['exp_avg', 'exp_avg_sq'],
  sgd: ['momentum_buffer'],
};

/** Whose the moments are that a run goes on from; null for none, before the first step. */
export function familyOf(resume: Resume | undefined): Family | null {
  if (resume === undefined || resume.steps === 0) return null;
  return [...resume.optimizer.keys()].some((name) => name.startsWith('momentum_buffer.')) ? 'sgd' : 'adam';
}

/** The family of a step. @param before that of the moments there are; null for none @throws ParamError for another */
export function familyAfter(kind: OptimizerKind, before: Family | null): Family {
  const family = kind === 'sgd' ? 'sgd' : 'adam';
  if (before === null || before === family) return family;
  const expected = before === 'sgd' ? 'sgd, as before' : 'adam, adamw or lamb, as before';
  throw new ParamError({ op: 'optimizer', expected, got: kind });
}

/** For who asks for an average where none is kept. */
export function refuseAverage(): never {
  throw new ParamError({ op: 'ema', expected: 'a training opened with ema', got: 'one without' });
}

/** Exactly the moments of a family, every parameter's: one that is missing would begin anew, unseen. */
function checkMoments(moments: StateDict, family: Family | null, config: ModelConfig): void {
  const learned = [...parameterShapes(config)].filter(([name]) => !isBuffer(name));
  const kinds = family === null ? [] : MOMENTS[family];
  const expected: ReadonlyMap<string, readonly number[]> = new Map(
    kinds.flatMap((kind) => learned.map(([name, shape]) => [`${kind}.${name}`, shape])),
  );
  for (const [name, shape] of expected) {
    const found = moments.get(name);
    const got = found === undefined ? 'none of that name' : formatShape(found.shape);
    if (found === undefined || got !== formatShape(shape)) {
      throw new WeightsError({ op: name, expected: `a tensor ${formatShape(shape)}`, got });
    }
    checkParameter(name, found);
  }
  for (const name of moments.keys()) {
    if (expected.has(name)) continue;
    throw new WeightsError({ op: name, expected: 'only the moments of this network', got: 'one tensor more' });
  }
}

/** @param ema whether the run that goes on keeps an average @throws ParamError, WeightsError */
export function checkResume(resume: Resume, config: ModelConfig, { ema }: { readonly ema: boolean }): void {
  const { optimizer, steps, ema: average } = resume;
  if (!Number.isSafeInteger(steps) || steps < 0) {
    throw new ParamError({ op: 'resume', expected: 'steps an integer >= 0', got: String(steps) });
  }
  checkMoments(optimizer, familyOf(resume), config);
  if (average === undefined) return;
  if (!ema) refuseAverage();
  checkState(average, config, 'ema');
}

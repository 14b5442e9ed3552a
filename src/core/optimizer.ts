import { checkBoolean, checkKeys, checkNumber, checkObject, checkOneOf, show } from './check.js';
import { power } from './elementary.js';
import { ParamError } from './errors.js';

export const LOSSES = ['cross-entropy', 'bce'] as const;
/**
 * In nats per image: the cross-entropy with the target probabilities, or the mean over the classes of the binary
 * cross-entropy with logits.
 */
export type Loss = (typeof LOSSES)[number];

export const OPTIMIZERS = ['adam', 'adamw', 'sgd', 'lamb'] as const;
export type OptimizerKind = (typeof OPTIMIZERS)[number];

/** One step of an optimizer. A training cannot change between SGD and the others. */
export interface OptimizerStep {
  /** Adam adds the decay to the gradient (L2), AdamW shrinks the parameter; SGD is PyTorch's, LAMB timm's. */
  readonly kind: OptimizerKind;
  readonly lr: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Decay of the first and second moment, of adam, adamw and lamb. Default 0.9, 0.999. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the second moment. Default 1e-8. */
  readonly eps?: number;
  /** Momentum of SGD. Default 0. */
  readonly momentum?: number;
  /** Nesterov momentum of SGD. Default false. */
  readonly nesterov?: boolean;
  /** Whether parameters of one dimension (biases, norms) decay too. Default true, but false for LAMB. */
  readonly decayVectors?: boolean;
  /**
   * d: the learning rate of a layer is multiplied by d^(L + 1 − id), with L stages and
   * id 0 for the stem, i + 1 for `stages.i`, L + 1 for the head. Default 1.
   */
  readonly layerDecay?: number;
  /** The learning rate of the head. Default `lr`. */
  readonly headLr?: number;
}

const DEFAULTS = {
  weightDecay: 0,
  betas: [0.9, 0.999],
  eps: 1e-8,
  momentum: 0,
  nesterov: false,
  layerDecay: 1,
} as const;

const STEP_KEYS = ['kind', 'lr', 'headLr', 'decayVectors', ...Object.keys(DEFAULTS)];

/** A step with its defaults. @throws ParamError */
export function resolveStep(step: OptimizerStep): Required<OptimizerStep> {
  checkKeys(checkObject('optimizer', step), STEP_KEYS, (key) => `optimizer.${key}`);
  const all = { ...DEFAULTS, decayVectors: step.kind !== 'lamb', headLr: step.lr, ...step };
  checkOneOf('optimizer', all.kind, OPTIMIZERS);
  for (const name of ['nesterov', 'decayVectors'] as const) checkBoolean(name, all[name]);
  for (const name of ['lr', 'headLr', 'weightDecay', 'eps', 'momentum'] as const)
    checkNumber(name, all[name], { min: 0 });
  // A caller without types may pass anything.
  const betas: unknown = all.betas;
  if (!Array.isArray(betas) || betas.length !== 2)
    throw new ParamError({ op: 'betas', expected: 'two numbers', got: show(betas) });
  for (const beta of all.betas) checkNumber('betas', beta, { min: 0, below: 1 });
  checkNumber('layerDecay', all.layerDecay, { above: 0 });
  if (all.nesterov && all.momentum === 0) {
    throw new ParamError({ op: 'nesterov', expected: 'a momentum > 0', got: '0' });
  }
  return all;
}

/** The layer of a parameter by its name: 0 for the stem, i + 1 for `stages.i`, L + 1 for the head. */
export function layerId(name: string, stages: number): number {
  if (name.startsWith('stem')) return 0;
  const stage = /^stages\.(\d+)\./.exec(name);
  return stage === null ? stages + 1 : Number(stage[1]) + 1;
}

/** The factor of a layer's learning rate: d^(L + 1 − id). */
export const layerScale = (layerDecay: number, id: number, stages: number): number =>
  power(layerDecay, stages + 1 - id);

/** The learning rate of a layer: lr·d^(L + 1 − id), that of the head apart. @param id see `layerId` */
export const layerRate = (
  { lr, headLr, layerDecay }: Pick<Required<OptimizerStep>, 'lr' | 'headLr' | 'layerDecay'>,
  id: number,
  stages: number,
): number => (id === stages + 1 ? headLr : lr * layerScale(layerDecay, id, stages));

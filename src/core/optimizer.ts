import { power } from './elementary.js';
import { ParamError } from './errors.js';

/** Per image, in nats: against shares of the classes, or every class on its own (binary, from logits; their mean). */
export type Loss = 'cross-entropy' | 'bce';

export const OPTIMIZERS = ['adam', 'adamw', 'sgd', 'lamb'] as const;
export type OptimizerKind = (typeof OPTIMIZERS)[number];

/** One step of an optimizer. A training keeps to the kind it began with. */
export interface OptimizerStep {
  /** Adam adds the decay to the gradient (L2), AdamW shrinks the parameter; SGD and LAMB are as PyTorch's and timm's. */
  readonly kind: OptimizerKind;
  readonly lr: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** Of the moments. Default 0.9, 0.999. */
  readonly betas?: readonly [number, number];
  /** Default 1e-8. */
  readonly eps?: number;
  /** Of SGD. Default 0. */
  readonly momentum?: number;
  /** Of SGD. Default false. */
  readonly nesterov?: boolean;
  /** Whether what has one dimension (biases, norms) decays, too. Default true, and false for LAMB. */
  readonly decayVectors?: boolean;
  /**
   * d: the learning rate of a layer is multiplied by d^(L + 1 − id), with L stages and
   * id 0 for the stem, i + 1 for `stages.i`, L + 1 for the head. Default 1.
   */
  readonly layerDecay?: number;
}

const DEFAULTS = {
  weightDecay: 0,
  betas: [0.9, 0.999],
  eps: 1e-8,
  momentum: 0,
  nesterov: false,
  layerDecay: 1,
} as const;

/** A step with nothing left out. @throws ParamError */
export function resolveStep(step: OptimizerStep): Required<OptimizerStep> {
  const all = { ...DEFAULTS, decayVectors: step.kind !== 'lamb', ...step };
  const refuse = (op: string, expected: string, got: unknown): never => {
    throw new ParamError({ op, expected, got: String(got) });
  };
  if (!OPTIMIZERS.includes(all.kind)) refuse('optimizer', OPTIMIZERS.join(', '), all.kind);
  for (const name of ['lr', 'weightDecay', 'eps'] as const) {
    if (!(all[name] >= 0 && all[name] < Infinity)) refuse(name, 'a number >= 0', all[name]);
  }
  for (const beta of all.betas) if (!(beta >= 0 && beta < 1)) refuse('betas', 'numbers in [0, 1)', beta);
  if (!(all.momentum >= 0 && all.momentum < Infinity)) refuse('momentum', 'a number >= 0', all.momentum);
  if (all.nesterov && all.momentum === 0) refuse('nesterov', 'a momentum > 0', all.momentum);
  if (!(all.layerDecay > 0 && all.layerDecay < Infinity)) refuse('layerDecay', 'a number > 0', all.layerDecay);
  return all;
}

/** A tensor's layer by its name: 0 for the stem, i + 1 for `stages.i`, L + 1 for the head. */
export function layerId(name: string, stages: number): number {
  if (name.startsWith('stem')) return 0;
  const stage = /^stages\.(\d+)\./.exec(name);
  return stage === null ? stages + 1 : Number(stage[1]) + 1;
}

/** What the learning rate of a layer is multiplied by: d^(L + 1 − id). */
export const layerScale = (layerDecay: number, id: number, stages: number): number =>
  power(layerDecay, stages + 1 - id);

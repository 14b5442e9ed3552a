/** The regions that the optimizers add to the program, and the descriptors that change in every step. */
import { power } from '../../core/elementary.js';
import { layerRate, type OptimizerStep } from '../../core/optimizer.js';
import type { Builder } from './builder.js';
import type { Descriptor } from '../descriptor.js';
import { ACCUMULATE, ADAM, CLIP, EMA, LAMB, PANEL, SGD } from './descriptors.js';
import type { ParameterGroup, StateBlocks } from './tensors.js';

const panelsOf = (floats: number): number => Math.ceil(floats / PANEL);

/** Regions of the program, from first to last (exclusive). */
export type Span = readonly [first: number, last: number];

export interface Optimizers {
  readonly spans: Readonly<Record<'adam' | 'sgd' | 'lamb', Span>>;
  /** Writes a step, counted from 1, into the descriptors. @param stages number of stages of the network */
  readonly set: (view: DataView, step: Required<OptimizerStep>, count: number, stages: number) => void;
}

type SetGroup = (group: ParameterGroup, weightDecay: number, lr: number) => void;

/** @param groups of parameters with the same rate and decay @param members each tensor as a group */
export function placeOptimizers(
  b: Builder,
  blocks: StateBlocks,
  groups: readonly ParameterGroup[],
  members: readonly ParameterGroup[],
  span: (write: () => void) => Span,
): Optimizers {
  const operands = ({ param, grad, m, v, floats }: ParameterGroup) => ({ param, grad, m, v, count: floats });
  const adam = new Map<ParameterGroup, Descriptor<keyof typeof ADAM>>();
  const adamSpan = span(() => {
    for (const group of groups) {
      const op = b.place(ADAM, operands(group));
      b.run('adam', op, panelsOf(group.floats));
      adam.set(group, op);
    }
  });
  const sgd = new Map<ParameterGroup, Descriptor<keyof typeof SGD>>();
  const sgdSpan = span(() => {
    for (const group of groups) {
      const { param, grad, m, floats } = group;
      const op = b.place(SGD, { param, grad, momenta: m, count: floats });
      b.run('sgd', op, panelsOf(floats));
      sgd.set(group, op);
    }
  });
  const lamb = new Map<ParameterGroup, Descriptor<keyof typeof LAMB>>();
  const lambSpan = span(() => {
    const divisor = b.arena.reserveFloats(1);
    const panels = panelsOf(blocks.parameters);
    const squares = b.arena.reserve(8 * panels);
    const clip = b.place(CLIP, { grad: blocks.grad, count: blocks.parameters, panels, squares, divisor });
    b.run('squareGradients', clip, panels);
    b.run('clip', clip, 1);
    for (const member of members) {
      const own = panelsOf(member.floats);
      const norms = b.arena.reserve(16 * own);
      const op = b.place(LAMB, { ...operands(member), panels: own, squares: norms, divisor });
      b.run('lambMoments', op, own);
      b.run('lambMove', op, own);
      lamb.set(member, op);
    }
  });
  return {
    spans: { adam: adamSpan, sgd: sgdSpan, lamb: lambSpan },
    set(view, { kind, lr, headLr, weightDecay, decayVectors, momentum, nesterov, layerDecay, ...step }, count, stages) {
      const each = (of: Iterable<ParameterGroup>, write: SetGroup): void => {
        for (const group of of) {
          const decay = group.weights || decayVectors ? weightDecay : 0;
          write(group, decay, layerRate({ lr, headLr, layerDecay }, group.layer, stages));
        }
      };
      const [beta1, beta2] = step.betas;
      const moments = {
        beta1,
        beta2,
        rest1: 1 - beta1,
        rest2: 1 - beta2,
        eps: step.eps,
        correction1: 1 - power(beta1, count),
        correction2: 1 - power(beta2, count),
      };
      if (kind === 'sgd') {
        each(sgd.keys(), (group, decay, own) => {
          sgd.get(group)?.set(view, { lr: own, momentum, weightDecay: decay, nesterov: nesterov ? 1 : 0 });
        });
      } else if (kind === 'lamb') {
        each(lamb.keys(), (group, decay, own) => {
          lamb.get(group)?.set(view, { ...moments, lr: own, weightDecay: decay });
        });
      } else {
        const decoupled = kind === 'adamw' ? 1 : 0;
        each(adam.keys(), (group, decay, own) => {
          adam.get(group)?.set(view, { ...moments, lr: own, weightDecay: decay, decoupled });
        });
      }
    },
  };
}

/** The regions that average the gradients of several passes. */
export interface Accumulation {
  readonly span: Span;
  readonly op: Descriptor<keyof typeof ACCUMULATE>;
}

/** Adds the sum of gradients over passes; null if no memory is reserved for it. */
export function placeAccumulation(
  b: Builder,
  { sum, grad, parameters }: StateBlocks,
  span: (write: () => void) => Span,
): Accumulation | null {
  if (sum === null) return null;
  const op = b.place(ACCUMULATE, { grad, sum, count: parameters });
  return {
    op,
    span: span(() => {
      b.run('accumulate', op, panelsOf(parameters));
    }),
  };
}

export interface Average {
  readonly average: Span;
  readonly exchange: Span;
  readonly op: Descriptor<keyof typeof EMA>;
}

/** Adds the moving average of the whole state; null if no memory is reserved for it. */
export function placeAverage(b: Builder, { ema, state, floats }: StateBlocks, span: (write: () => void) => Span) {
  if (ema === null) return null;
  const op = b.place(EMA, { average: ema, state, count: floats });
  const average = span(() => {
    b.run('ema', op, panelsOf(floats));
  });
  const exchange = span(() => {
    b.run('exchange', op, panelsOf(floats));
  });
  return { average, exchange, op } satisfies Average;
}

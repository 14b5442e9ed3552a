/** The parts of a network that a training leaves as they are. */
import { nearestName, show } from './check.js';
import type { ModelConfig } from './config.js';
import { ParamError } from './errors.js';
import { layerId } from './optimizer.js';
import { isBuffer, parameterShapes } from './parameters.js';

/** Names of parts, besides `stages.0`, `stages.1`, … */
const PARTS = ['backbone', 'stem', 'stages', 'head', 'bn'] as const;
const STAGE = /^stages\.(0|[1-9]\d*)$/;

const refuse = (expected: string, got: string, hint?: string): never => {
  throw new ParamError({ op: 'freeze', expected, got, hint });
};

/**
 * Checks names of parts, without a network.
 *
 * @throws ParamError with the nearest name
 */
export function checkFreeze(value: unknown): readonly string[] {
  if (!Array.isArray(value)) return refuse('a list of parts', show(value));
  for (const part of value as readonly unknown[]) {
    if (PARTS.some((name) => name === part) || (typeof part === 'string' && STAGE.test(part))) continue;
    const nearest = typeof part === 'string' ? nearestName(part, [...PARTS, 'stages.0']) : undefined;
    const hint = nearest === undefined ? undefined : `Did you mean ${show(nearest)}?`;
    refuse(`${PARTS.join(', ')} or stages.0, stages.1, …`, show(part), hint);
  }
  return value as readonly string[];
}

/**
 * The tensors that a training leaves as they are, by their names: parameters that no step changes, and running statistics
 * (with their counter), by which their batch norm normalizes in training, too.
 *
 * - `stem`, `stages.i`, `head`: all tensors of the part
 * - `stages`: all stages; `backbone`: stem and stages, so that the head alone is trained
 * - `bn`: the running statistics of stem and stages; γ and β are trained
 *
 * @param freeze names of parts
 * @returns names in the order of the network; empty for no parts
 * @throws ParamError for an unknown part, one that the network does not have, or if nothing is left to train
 */
export function frozenTensors(freeze: readonly string[], config: ModelConfig): ReadonlySet<string> {
  checkFreeze(freeze);
  const stages = config.strides.length;
  for (const part of freeze) {
    const stage = STAGE.exec(part);
    if (stage === null || Number(stage[1]) < stages) continue;
    refuse(`a stage of the network, stages.0 to stages.${stages - 1}`, part);
  }
  if (freeze.includes('bn') && config.form === 'deploy') {
    refuse('a network with batch norms', 'bn with the deploy form, whose batch norms are fused', 'Omit bn.');
  }
  const isIn = (name: string): boolean => {
    const id = layerId(name, stages);
    const isHead = id === stages + 1;
    const part = isHead ? 'head' : id === 0 ? 'stem' : 'stages';
    if (freeze.includes(part) || (!isHead && freeze.includes('backbone'))) return true;
    return freeze.includes(`stages.${id - 1}`) || (freeze.includes('bn') && !isHead && isBuffer(name));
  };
  const names = freeze.length === 0 ? [] : [...parameterShapes(config).keys()];
  const frozen = names.filter(isIn);
  if (names.length > 0 && names.every((name) => isBuffer(name) || frozen.includes(name))) {
    refuse('a part that is left to train', `${freeze.join(', ')}: the whole network`, 'Freeze fewer parts.');
  }
  return new Set(frozen);
}

/** Whether a batch norm normalizes by its running statistics in training. @param norm its name */
export const keepsStatistics = (frozen: ReadonlySet<string>, norm: string): boolean =>
  frozen.has(`${norm}.running_mean`);

import { requireInteger } from './require.js';
import { ParamError } from './errors.js';

/**
 * What the learning rate of a parameter is multiplied by under layer decay d:
 *
 *     d^(L + 1 − id)        id = 0 for the stem, i + 1 for `stages.i`, L + 1 for the head
 *
 * @param name of the parameter
 * @param stages L
 */
export function layerScale(name: string, stages: number, decay: number): number {
  requireInteger('layerScale', 'stages', stages, 1);
  if (!(decay > 0 && decay < Infinity)) throw new ParamError('layerScale', 'decay > 0', `decay = ${decay}`);
  const stage = /^stages\.(\d+)\./.exec(name);
  const id = name.startsWith('stem') ? 0 : stage === null ? stages + 1 : Number(stage[1]) + 1;
  return decay ** (stages + 1 - id);
}

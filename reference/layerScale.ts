import { requireInteger, requirePositive, requireText } from './require.js';

/**
 * The factor of a parameter's learning rate under layer decay d:
 *
 *     d^(L + 1 − id)        id = 0 for the stem, i + 1 for `stages.i`, L + 1 for the head
 *
 * so that earlier layers learn more slowly for d < 1.
 *
 * @param name the parameter's name
 * @param stages L, the number of stages
 * @param decay d > 0
 * @throws ParamError
 */
export function layerScale(name: string, stages: number, decay: number): number {
  requireText('layerScale', 'name', name);
  requireInteger('layerScale', 'stages', stages, 1);
  requirePositive('layerScale', 'decay', decay);
  const stage = /^stages\.(\d+)\./.exec(name);
  const id = name.startsWith('stem') ? 0 : stage === null ? stages + 1 : Number(stage[1]) + 1;
  return decay ** (stages + 1 - id);
}

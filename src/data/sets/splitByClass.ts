import { ParamError } from '../../core/errors.js';
import { MAX_EPOCHS } from '../augment/draws.js';
import { permutation } from '../loader/permutation.js';

/**
 * Draws a share of each class to hold out. Each class is split as close to the share as possible with at least one
 * image on either side; a class of one image is not held out. The result depends only on the seed and on the number of
 * images in each class.
 *
 * @param share in [0, 1)
 * @returns true for each image that is held out
 * @throws ParamError if `share` is out of range
 */
export function splitByClass(labels: ArrayLike<number>, share: number, seed: number): boolean[] {
  if (!(share >= 0 && share < 1))
    throw new ParamError({ op: 'valSplit', expected: 'a share in [0, 1)', got: `${share}`, hint: 'For example 0.1.' });
  const classes = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const members = classes.get(labels[i]) ?? [];
    members.push(i);
    classes.set(labels[i], members);
  }
  const heldOut = Array<boolean>(labels.length).fill(false);
  for (const [label, members] of classes) {
    const nearest = Math.round(share * members.length);
    const count = share === 0 ? 0 : Math.min(members.length - 1, Math.max(1, nearest));
    // Streams after those of the shuffles of all epochs.
    const order = permutation(members.length, seed, MAX_EPOCHS + label);
    for (let i = 0; i < count; i++) heldOut[members[order[i]]] = true;
  }
  return heldOut;
}

import { ParamError } from '../../core/errors.js';
import { MAX_EPOCHS } from '../augment/draws.js';
import { permutation } from '../loader/permutation.js';

/**
 * Draws a share of each class: true for what is held out. It is the nearest to the share
 * that leaves an image on both sides; a class of one is trained on. What is drawn depends
 * on the seed and the number of images of each class alone.
 */
export function splitByClass(labels: ArrayLike<number>, share: number, seed: number): boolean[] {
  if (!(share >= 0 && share < 1))
    throw new ParamError({ op: 'valSplit', expected: 'a share in [0, 1)', got: `${share}` });
  const classes = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const members = classes.get(labels[i]) ?? [];
    members.push(i);
    classes.set(labels[i], members);
  }
  const held = Array<boolean>(labels.length).fill(false);
  for (const [label, members] of classes) {
    const nearest = Math.round(share * members.length);
    const count = share === 0 ? 0 : Math.min(members.length - 1, Math.max(1, nearest));
    // Past the shuffles of all epochs.
    const order = permutation(members.length, seed, MAX_EPOCHS + label);
    for (let i = 0; i < count; i++) held[members[order[i]]] = true;
  }
  return held;
}

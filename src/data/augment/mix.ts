import type { Size } from '../../core/shapes.js';
import type { Window } from '../../image/crop.js';
import { beta } from './beta.js';
import type { Draws } from './draws.js';

/** timm's `Mixup`, in its batch mode. */
export interface MixOptions {
  /** α of mixup's Beta(α, α); 0 for no mixup. */
  readonly mixup: number;
  /** α of CutMix's Beta(α, α); 0 for no CutMix. */
  readonly cutmix: number;
  /** Probability that a batch is mixed. */
  readonly prob: number;
  /** Probability that a mixed batch uses CutMix if both are on. */
  readonly switchProb: number;
}

/** The share λ of each image, and for CutMix the box that is filled with the partner's pixels. */
export interface Mix {
  readonly lambda: number;
  readonly box: Window | null;
}

const NO_MIX: Mix = { lambda: 1, box: null };

/**
 * A box of share 1 − λ of the area around a random pixel, clipped to the image; λ is corrected for the clipped part.
 * Its sides before clipping are even, 2·⌊side/2⌋, as in the code of CutMix's authors, in torchvision and in timm before
 * it let odd sides stay odd.
 */
export function cutmixBox([h, w]: Size, lambda: number, draws: Pick<Draws, 'integerBelow'>): Mix {
  const ratio = Math.sqrt(1 - lambda);
  const [halfH, halfW] = [Math.floor(Math.floor(h * ratio) / 2), Math.floor(Math.floor(w * ratio) / 2)];
  const [cy, cx] = [draws.integerBelow(h), draws.integerBelow(w)];
  const [top, left] = [Math.max(0, cy - halfH), Math.max(0, cx - halfW)];
  const [height, width] = [Math.min(h, cy + halfH) - top, Math.min(w, cx + halfW) - left];
  return { lambda: 1 - (height * width) / (h * w), box: { top, left, height, width } };
}

/** Draws how a batch is mixed. */
export function drawMix({ mixup, cutmix, prob, switchProb }: MixOptions, size: Size, draws: Draws): Mix {
  if ((mixup === 0 && cutmix === 0) || !draws.bernoulli(prob)) return NO_MIX;
  const isCut = cutmix > 0 && (mixup === 0 || draws.bernoulli(switchProb));
  const lambda = beta(isCut ? cutmix : mixup, draws);
  if (lambda === 1) return NO_MIX;
  return isCut ? cutmixBox(size, lambda, draws) : { lambda, box: null };
}

/** Replaces each row by λ·row + (1 − λ)·partner, in place; the partner of row i of n is row n − 1 − i. */
function blendRows(rows: Float32Array, length: number, lambda: number): void {
  const last = rows.length - length;
  for (let from = 0; from <= last - from; from += length) {
    const partner = last - from;
    for (let i = 0; i < length; i++) {
      const [a, b] = [rows[from + i], rows[partner + i]];
      rows[from + i] = a * lambda + b * (1 - lambda);
      rows[partner + i] = b * lambda + a * (1 - lambda);
    }
  }
}

/** Swaps the box of each image with that of its partner, in place. */
function swapBoxes(x: Float32Array, length: number, [h, w]: Size, box: Window): void {
  const last = x.length - length;
  for (let from = 0; from < last - from; from += length) {
    for (let plane = 0; plane < length; plane += h * w) {
      for (let y = box.top; y < box.top + box.height; y++) {
        const row = plane + y * w + box.left;
        for (let i = row; i < row + box.width; i++) {
          const swap = x[last - from + i];
          x[last - from + i] = x[from + i];
          x[from + i] = swap;
        }
      }
    }
  }
}

/**
 * Mixes each image of a batch with its partner in the reversed batch, in place.
 *
 * @param n images in the batch
 * @param targets probabilities [n, classes], mixed by λ
 */
export function applyMix({ lambda, box }: Mix, n: number, x: Float32Array, targets: Float32Array, size: Size): void {
  if (lambda === 1) return;
  if (box === null) blendRows(x, x.length / n, lambda);
  else swapBoxes(x, x.length / n, size, box);
  blendRows(targets, targets.length / n, lambda);
}

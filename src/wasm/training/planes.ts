/** Batches of maps in memory: see assembly/training/planes.ts. */
import { PIXEL } from './descriptors.js';

export interface Planes {
  readonly block: number;
  /** Rounded up to a multiple of 8. */
  readonly channels: number;
  readonly h: number;
  readonly w: number;
}

/** Bytes from one plane of four channels to the next. */
export const pitchOf = (pixels: number): number => PIXEL * Math.ceil(pixels / 4) * 4;

/** Bytes of the planes of a map. @param channels a multiple of 8 */
export const planesBytes = (channels: number, pixels: number): number => (channels / 4) * pitchOf(pixels);

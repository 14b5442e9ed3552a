import { transpose4x4 } from '../shared/transpose4x4';
import { PIXEL } from './planes';

/**
 * Packs a plane into the panels that a product reads, [pixels/4][channels][4]: four pixels side by side for each channel.
 * Pixels after the last one are undefined.
 * Loop order: 4x4 at a time.
 *
 * @param at the index of the plane
 */
export function packPlane(panels: usize, plane: usize, pixels: i32, channels: i32, at: i32): void {
  let to = panels + 64 * <usize>at;
  for (const end = plane + PIXEL * <usize>pixels; plane < end; plane += 4 * PIXEL) {
    transpose4x4(to, v128.load(plane), v128.load(plane, 16), v128.load(plane, 32), v128.load(plane, 48));
    to += 16 * <usize>channels;
  }
}

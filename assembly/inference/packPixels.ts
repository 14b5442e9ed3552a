import { transpose4x4 } from '../shared/transpose4x4';

/** What the next stage needs of a map. */
export const enum PixelOrder {
  /** Groups of four consecutive pixels in row order. */
  rows,
  /** Groups of four pixels that form a 2x2 window. Pixels outside of any window are dropped. */
  windows,
  /** Not pixels, but the mean of each channel. */
  mean,
}

/**
 * pixels[g][c][i] = map[pixel i of group g][c], for four channels c, f32.
 *
 * map [h][w][4]; `pixels` points at the first of these channels in [groups][depth][4], so that groups are 16·depth bytes
 * apart. PixelOrder.rows gives ⌈h·w/4⌉ groups, the last one filled with zeros; PixelOrder.windows gives ⌊h/2⌋·⌊w/2⌋ groups
 * in scan order, and so are the pixels in each.
 * Requires room for three more pixels after the map, which are overwritten.
 * Loop order: group by group; each is a 4x4 transpose.
 */
export function packPixels(pixels: usize, map: usize, h: i32, w: i32, depth: i32, order: i32): void {
  const groupBytes: usize = 16 * <usize>depth;
  const rowBytes: usize = 16 * <usize>w;
  if (order == PixelOrder.windows) {
    for (let y = 0; y + 2 <= h; y += 2) {
      let upper = map + <usize>y * rowBytes;
      for (let x = 0; x + 2 <= w; x += 2) {
        const lower = upper + rowBytes;
        transpose4x4(pixels, v128.load(upper), v128.load(upper, 16), v128.load(lower), v128.load(lower, 16));
        upper += 32;
        pixels += groupBytes;
      }
    }
  } else {
    const end = map + <usize>h * rowBytes;
    // Leftover values there would be multiplied too, which is slow if they are subnormal.
    memory.fill(end, 0, 3 * 16);
    for (; map < end; map += 64) {
      transpose4x4(pixels, v128.load(map), v128.load(map, 16), v128.load(map, 32), v128.load(map, 48));
      pixels += groupBytes;
    }
  }
}

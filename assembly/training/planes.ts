/**
 * The layout of a batch of maps in training: planes of four channels,
 *
 *     [channels/4][pixels][4]        pixels = n·h·w: image by image, row by row
 *
 * Planes are `planeBytes` apart: their pixels are rounded up to a multiple of four. Channels are a multiple of 8; those that
 * the network does not have are zero, as are their weights and gradients. Batch norms, pools and depthwise convolutions
 * compute each plane on its own; a 1x1 convolution is a matrix product.
 */

/** Bytes from one pixel to the next. */
export const PIXEL: usize = 16;

/** Bytes of a plane. */
export function planeBytes(pixels: i32): usize {
  return PIXEL * ((<usize>pixels + 3) & ~3);
}

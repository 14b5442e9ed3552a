/**
 * What a batch of maps is in here: planes of four channels,
 *
 *     [channels/4][pixels][4]        pixels = n·h·w: image by image, row by row
 *
 * `pitchBytes` from a plane to the next, in which the pixels are filled up to a
 * multiple of four. Channels are a multiple of 8; those that the network does not have
 * are zero, as are their weights and gradients. A batch norm, a pool and a depthwise
 * convolution look at one plane; a 1x1 convolution is a product of matrices.
 */

/** Bytes from one pixel to the next. */
export const PIXEL: usize = 16;

/** Bytes of a plane of so many pixels. */
export function planeBytes(pixels: i32): usize {
  return PIXEL * ((<usize>pixels + 3) & ~3);
}

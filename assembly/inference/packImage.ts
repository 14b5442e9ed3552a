import { transpose4x4 } from '../shared/transpose4x4';

/** The stem's kernel is 4x4: a row of it fills one vector. */
const KERNEL: i32 = 4;

/** An image and the windows of the stem over it. Written by src/wasm/inference/layout.ts. */
@unmanaged
export class Image {
  /** [⌈oh·ow/4⌉][16·c][4] */
  pixels: usize;
  /** Float32 planes [c][h][w], or bytes [h][w][interleaved]. */
  image: usize;
  /** Float32 [c][256]: the normalized value of each byte in each channel. */
  table: usize;
  /** Bytes of a pixel, of which the first c are used. */
  interleaved: i32;
  c: i32;
  h: i32;
  w: i32;
  oh: i32;
  ow: i32;
  stride: i32;
  padding: i32;
}

/**
 * pixels[g][(c,i,j)][p] = x[c, y·stride − padding + i, x·stride − padding + j], 0 outside of x, f32.
 *
 * (y,x) is output pixel p of group g, in row order; zeros fill the last group. Packs groups `from` to `to` (exclusive).
 * Blocks must not overlap.
 * Loop order: group, channel, row of the kernel; four rows of four windows are one 4x4 transpose.
 */
export function packImage(image: Image, from: i32, to: i32): void {
  pack<f32>(image, from, to);
}

/** As `packImage` for bytes, which are normalized by the table: x[c,y,x] = table[c][image[y,x,c]]. */
export function packBytes(image: Image, from: i32, to: i32): void {
  pack<u8>(image, from, to);
}

/** @param T the type of the image's elements */
function pack<T>(image: Image, from: i32, to: i32): void {
  const c = image.c;
  const ow = image.ow;
  const stride = image.stride;
  const padding = image.padding;
  const size = image.oh * ow;
  assert(c > 0 && image.h > 0 && image.w > 0 && size > 0, 'packImage: sizes must be at least 1');
  let pixels = image.pixels + 64 * <usize>(4 * c) * from;
  const last = min(4 * to, size);
  for (let first = 4 * from; first < last; first += 4) {
    const y0 = (first / ow) * stride - padding;
    const x0 = (first % ow) * stride - padding;
    const y1 = ((first + 1) / ow) * stride - padding;
    const x1 = ((first + 1) % ow) * stride - padding;
    const y2 = ((first + 2) / ow) * stride - padding;
    const x2 = ((first + 2) % ow) * stride - padding;
    const y3 = ((first + 3) / ow) * stride - padding;
    const x3 = ((first + 3) % ow) * stride - padding;
    // Pixels after the last one use rows outside of the image, which are zero.
    const beyond = image.h - min(y0, 0);
    const skip1 = first + 1 < size ? 0 : beyond;
    const skip2 = first + 2 < size ? 0 : beyond;
    const skip3 = first + 3 < size ? 0 : beyond;
    for (let channel = 0; channel < c; channel++) {
      for (let i = 0; i < KERNEL; i++) {
        transpose4x4(
          pixels,
          fourInRow<T>(image, channel, y0 + i, x0),
          fourInRow<T>(image, channel, y1 + i + skip1, x1),
          fourInRow<T>(image, channel, y2 + i + skip2, x2),
          fourInRow<T>(image, channel, y3 + i + skip3, x3),
        );
        pixels += 64;
      }
    }
  }
}

/** x[channel, y, x..x+4], 0 outside of the image. */
function fourInRow<T>(image: Image, channel: i32, y: i32, x: i32): v128 {
  const w = image.w;
  // One comparison of unsigned numbers: a negative row becomes a large one.
  if (<u32>y >= <u32>image.h) return f32x4.splat(0);
  if (isFloat<T>()) {
    if (x >= 0 && x + 4 <= w) return v128.load(planeAt(image, channel, y, x));
  }
  let row = f32x4.splat(0);
  if (<u32>x < <u32>w) row = f32x4.replace_lane(row, 0, valueAt<T>(image, channel, y, x));
  if (<u32>(x + 1) < <u32>w) row = f32x4.replace_lane(row, 1, valueAt<T>(image, channel, y, x + 1));
  if (<u32>(x + 2) < <u32>w) row = f32x4.replace_lane(row, 2, valueAt<T>(image, channel, y, x + 2));
  if (<u32>(x + 3) < <u32>w) row = f32x4.replace_lane(row, 3, valueAt<T>(image, channel, y, x + 3));
  return row;
}

function valueAt<T>(image: Image, channel: i32, y: i32, x: i32): f32 {
  if (isFloat<T>()) return load<f32>(planeAt(image, channel, y, x));
  const byte = load<u8>(image.image + (<usize>y * image.w + x) * image.interleaved + channel);
  return load<f32>(image.table + 4 * <usize>(256 * channel + byte));
}

function planeAt(image: Image, channel: i32, y: i32, x: i32): usize {
  return image.image + 4 * ((<usize>channel * image.h + y) * image.w + x);
}

import { transpose4x4 } from './transpose4x4';

/** The stem's kernel is 4x4: a row of it is one vector. */
const KERNEL: i32 = 4;

/**
 * pixels[g][(c,i,j)][p] = x[c, y·stride − padding + i, x·stride − padding + j], 0 outside of x, f32.
 *
 * (y,x) is the p-th output pixel of group g, row by row; x [c,h,w], pixels
 * [⌈oh·ow/4⌉][16·c][4], the last group filled up with zeros.
 * Requires no overlap.
 * Order: that of the pixels; the rows of four windows are a 4x4 transpose.
 */
export function packImage(
  pixels: usize,
  x: usize,
  c: i32,
  h: i32,
  w: i32,
  oh: i32,
  ow: i32,
  stride: i32,
  padding: i32,
): void {
  assert(c > 0 && h > 0 && w > 0 && oh > 0 && ow > 0, 'packImage: sizes must be at least 1');
  const planeBytes: usize = 4 * <usize>h * w;
  const size = oh * ow;
  for (let first = 0; first < size; first += 4) {
    const y0 = (first / ow) * stride - padding;
    const x0 = (first % ow) * stride - padding;
    const y1 = ((first + 1) / ow) * stride - padding;
    const x1 = ((first + 1) % ow) * stride - padding;
    const y2 = ((first + 2) / ow) * stride - padding;
    const x2 = ((first + 2) % ow) * stride - padding;
    const y3 = ((first + 3) / ow) * stride - padding;
    const x3 = ((first + 3) % ow) * stride - padding;
    // Pixels behind the last one are given rows behind the image, which are zero.
    const beyond = h - min(y0, 0);
    const skip1 = first + 1 < size ? 0 : beyond;
    const skip2 = first + 2 < size ? 0 : beyond;
    const skip3 = first + 3 < size ? 0 : beyond;
    let plane = x;
    for (let channel = 0; channel < c; channel++) {
      for (let i = 0; i < KERNEL; i++) {
        transpose4x4(
          pixels,
          fourInRow(plane, h, w, y0 + i, x0),
          fourInRow(plane, h, w, y1 + i + skip1, x1),
          fourInRow(plane, h, w, y2 + i + skip2, x2),
          fourInRow(plane, h, w, y3 + i + skip3, x3),
        );
        pixels += 64;
      }
      plane += planeBytes;
    }
  }
}

/** plane[y, x..x+4], 0 outside of the plane [h,w]. */
function fourInRow(plane: usize, h: i32, w: i32, y: i32, x: i32): v128 {
  // As an unsigned number a row before the plane lies behind it.
  if (<u32>y >= <u32>h) return f32x4.splat(0);
  const at = plane + 4 * (<usize>y * w + x);
  if (x >= 0 && x + 4 <= w) return v128.load(at);
  let row = f32x4.splat(0);
  if (<u32>x < <u32>w) row = f32x4.replace_lane(row, 0, load<f32>(at));
  if (<u32>(x + 1) < <u32>w) row = f32x4.replace_lane(row, 1, load<f32>(at, 4));
  if (<u32>(x + 2) < <u32>w) row = f32x4.replace_lane(row, 2, load<f32>(at, 8));
  if (<u32>(x + 3) < <u32>w) row = f32x4.replace_lane(row, 3, load<f32>(at, 12));
  return row;
}

import { PIXEL, planeBytes } from './planes';

/** The stem's kernel is 4x4: a row of it fills one vector, and so one plane. */
const KERNEL: i32 = 4;

/** The images of a batch, and the windows of the stem over them. */
@unmanaged
export class Windows {
  /** Planes of 16·c channels: (c,i,j) with j innermost. */
  y: usize;
  /** [n][c][h][w] */
  x: usize;
  n: i32;
  c: i32;
  h: i32;
  w: i32;
  oh: i32;
  ow: i32;
  stride: i32;
  padding: i32;
}

/**
 * y[(c,i,j), (image,oy,ox)] = x[image, c, oy·stride − padding + i, ox·stride − padding + j], 0 outside
 * of x. Images `from` to `to` (exclusive).
 * Loop order: image, channel, row of the kernel, output.
 */
export function windows(address: usize, from: i32, to: i32): void {
  const op = changetype<Windows>(address);
  const size = op.oh * op.ow;
  const pitchBytes = planeBytes(op.n * size);
  const imageBytes: usize = 4 * <usize>op.h * op.w;
  for (let image = from; image < to; image++) {
    let x = op.x + <usize>(image * op.c) * imageBytes;
    let plane = op.y + PIXEL * <usize>(image * size);
    for (let channel = 0; channel < op.c; channel++) {
      for (let i = 0; i < KERNEL; i++) {
        let y = plane;
        for (let oy = 0; oy < op.oh; oy++) {
          for (let ox = 0; ox < op.ow; ox++) {
            v128.store(y, fourInRow(x, op.h, op.w, oy * op.stride - op.padding + i, ox * op.stride - op.padding));
            y += PIXEL;
          }
        }
        plane += pitchBytes;
      }
      x += imageBytes;
    }
  }
}

/** x[row, column..column+4], 0 outside of the map. */
function fourInRow(x: usize, h: i32, w: i32, row: i32, column: i32): v128 {
  // One comparison of unsigned numbers: a negative row becomes a large one.
  if (<u32>row >= <u32>h) return f32x4.splat(0);
  const at = x + 4 * <usize>row * w;
  if (column >= 0 && column + 4 <= w) return v128.load(at + 4 * <usize>column);
  let four = f32x4.splat(0);
  if (<u32>column < <u32>w) four = f32x4.replace_lane(four, 0, load<f32>(at + 4 * <usize>column));
  if (<u32>(column + 1) < <u32>w) four = f32x4.replace_lane(four, 1, load<f32>(at + 4 * <usize>(column + 1)));
  if (<u32>(column + 2) < <u32>w) four = f32x4.replace_lane(four, 2, load<f32>(at + 4 * <usize>(column + 2)));
  if (<u32>(column + 3) < <u32>w) four = f32x4.replace_lane(four, 3, load<f32>(at + 4 * <usize>(column + 3)));
  return four;
}

import { PIXEL } from './planes';

/** The sum of a plane's pixels, for four channels. Loop order: pixel by pixel in four sums, which are added at the end. */
export function sumPlane(plane: usize, pixels: i32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  let p = 0;
  for (; p + 4 <= pixels; p += 4) {
    s0 = f32x4.add(s0, v128.load(plane));
    s1 = f32x4.add(s1, v128.load(plane, 16));
    s2 = f32x4.add(s2, v128.load(plane, 32));
    s3 = f32x4.add(s3, v128.load(plane, 48));
    plane += 64;
  }
  for (; p < pixels; p++) {
    s0 = f32x4.add(s0, v128.load(plane));
    plane += PIXEL;
  }
  return f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3));
}

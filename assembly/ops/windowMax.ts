/**
 * The maximum of x[top..bottom, left..right] in a plane of width w, f32. Of equal values, the first in scan order; NaN if
 * any element is NaN.
 *
 * Requires a window of at least one element inside the plane.
 */
export function windowMax(x: usize, w: i32, top: i32, bottom: i32, left: i32, right: i32): f32 {
  let largest = f32.NEGATIVE_INFINITY;
  for (let i = top; i < bottom; i++) {
    const row = x + 4 * <usize>i * w;
    for (let j = left; j < right; j++) {
      const v = load<f32>(row + 4 * <usize>j);
      if (v > largest || isNaN(v)) largest = v;
    }
  }
  return largest;
}

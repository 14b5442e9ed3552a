import { windowEnd, windowStart } from '../shared/poolWindow';
import { windowMax } from './windowMax';

/**
 * y[c,oy,ox] = max of x[c] over rows [⌊oy·h/oh⌋, ⌈(oy+1)·h/oh⌉) and the corresponding columns; one image, f32.
 *
 * x [c,h,w], y [c,oh,ow]. Windows overlap if oh does not divide h, and repeat if oh > h. NaN propagates, as in PyTorch.
 * Requires y and x on multiples of 16; blocks must not overlap.
 * Loop order: output by output, each window in scan order.
 */
export function adaptiveMaxPool2d(y: usize, x: usize, c: i32, h: i32, w: i32, oh: i32, ow: i32): void {
  assert(((y | x) & 15) == 0, 'adaptiveMaxPool2d: pointers must lie on multiples of 16');
  assert(c > 0 && h > 0 && w > 0 && oh > 0 && ow > 0, 'adaptiveMaxPool2d: sizes must be at least 1');
  for (let channel = 0; channel < c; channel++) {
    for (let oy = 0; oy < oh; oy++) {
      const top = windowStart(oy, h, oh);
      const bottom = windowEnd(oy, h, oh);
      for (let ox = 0; ox < ow; ox++) {
        store<f32>(y, windowMax(x, w, top, bottom, windowStart(ox, w, ow), windowEnd(ox, w, ow)));
        y += 4;
      }
    }
    x += 4 * <usize>h * w;
  }
}

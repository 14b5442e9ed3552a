import { PIXEL, planeBytes } from './planes';
import { sumPlane } from './sumPlane';

/** Global average pooling followed by dropout: y[c,image] = (mean of the map) · mask. */
@unmanaged
export class GlobalAvgPool {
  /** Planes of maps of `size` pixels. */
  x: usize;
  dx: usize;
  /** Planes of one pixel an image. */
  y: usize;
  dy: usize;
  /** Planes like y: 0, or 1/(1 − rate); see dropout.ts. */
  mask: usize;
  images: i32;
  size: i32;
}

/** y in training, with the mask; four channels a panel. */
export function globalAvgPool(address: usize, from: i32, to: i32): void {
  pool(changetype<GlobalAvgPool>(address), true, from, to);
}

/** y in eval mode, without the mask; four channels a panel. */
export function globalAvgPoolEval(address: usize, from: i32, to: i32): void {
  pool(changetype<GlobalAvgPool>(address), false, from, to);
}

function pool(op: GlobalAvgPool, masked: bool, from: i32, to: i32): void {
  const size = f32x4.splat(<f32>op.size);
  const mapBytes: usize = PIXEL * <usize>op.size;
  for (let panel = from; panel < to; panel++) {
    let x = op.x + <usize>panel * planeBytes(op.images * op.size);
    const at = <usize>panel * planeBytes(op.images);
    for (let image: usize = 0; image < <usize>op.images; image++) {
      const mean = f32x4.div(sumPlane(x, op.size), size);
      const to = at + PIXEL * image;
      v128.store(op.y + to, masked ? f32x4.mul(mean, v128.load(op.mask + to)) : mean);
      x += mapBytes;
    }
  }
}

/** dx = dy · mask / size for every pixel of a map, four channels a panel. */
export function globalAvgPoolBackward(address: usize, from: i32, to: i32): void {
  const op = changetype<GlobalAvgPool>(address);
  const size = f32x4.splat(<f32>op.size);
  for (let panel = from; panel < to; panel++) {
    let dx = op.dx + <usize>panel * planeBytes(op.images * op.size);
    const at = <usize>panel * planeBytes(op.images);
    for (let image: usize = 0; image < <usize>op.images; image++) {
      const from = at + PIXEL * image;
      const g = f32x4.div(f32x4.mul(v128.load(op.dy + from), v128.load(op.mask + from)), size);
      for (const end = dx + PIXEL * <usize>op.size; dx < end; dx += PIXEL) v128.store(dx, g);
    }
  }
}

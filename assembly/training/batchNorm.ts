import { packPlane } from './packPlane';
import { PIXEL, planeBytes } from './planes';
import { sumPlane } from './sumPlane';

/**
 * Batch normalization followed by a leaky ReLU of slope λ; λ = 1 if there is no activation. For each channel, over its
 * m = pixels values in the batch:
 *
 *     x̂ = (x − μ)/√(σ² + ε)     v = γ·x̂ + β     y = v if v > 0, else λ·v
 */
@unmanaged
export class BatchNorm {
  x: usize;
  y: usize;
  /** The gradient of y, replaced by that of x. */
  dy: usize;
  /** γ and β [c], and their gradients. */
  weight: usize;
  bias: usize;
  dw: usize;
  db: usize;
  runningMean: usize;
  runningVar: usize;
  /** μ and 1/√(σ² + ε) of this batch [c]. */
  mean: usize;
  invStd: usize;
  /** λ, a float32. */
  lambda: usize;
  /** Copies of y, for the convolution after it, and of dx, for the one before, as panels (see packPlane.ts); or 0. */
  panels: usize;
  dxPanels: usize;
  channels: i32;
  pixels: i32;
  eps: f32;
  /** Weight of the batch in the new running statistics. */
  momentum: f32;
  /** Factor of σ² in `runningVar`: m/(m − 1), as in PyTorch, or 1. */
  correction: f32;
}

/**
 * Computes y, μ, σ and the running statistics from x, four channels a panel.
 * Loop order: the sum of x, then the sum of (x − μ)², each pixel by pixel in several sums; then y.
 */
export function batchNorm(address: usize, from: i32, to: i32): void {
  const op = changetype<BatchNorm>(address);
  const pixels = op.pixels;
  const count = f32x4.splat(<f32>pixels);
  const keep = f32x4.splat(1 - op.momentum);
  const share = f32x4.splat(op.momentum);
  for (let panel = from; panel < to; panel++) {
    const at: usize = 16 * <usize>panel;
    const x = op.x + <usize>panel * planeBytes(pixels);
    const mean = f32x4.div(sumPlane(x, pixels), count);
    const variance = f32x4.div(squaresOf(x, mean, pixels), count);
    const invStd = f32x4.div(f32x4.splat(1), f32x4.sqrt(f32x4.add(variance, f32x4.splat(op.eps))));
    v128.store(op.mean + at, mean);
    v128.store(op.invStd + at, invStd);
    const runningMean = op.runningMean + at;
    const runningVar = op.runningVar + at;
    const recorded = f32x4.mul(variance, f32x4.splat(op.correction));
    v128.store(runningMean, f32x4.add(f32x4.mul(keep, v128.load(runningMean)), f32x4.mul(share, mean)));
    v128.store(runningVar, f32x4.add(f32x4.mul(keep, v128.load(runningVar)), f32x4.mul(share, recorded)));
    normalize(op, panel, mean, invStd);
  }
}

/** Computes y from x and the running statistics, four channels a panel. */
export function batchNormEval(address: usize, from: i32, to: i32): void {
  const op = changetype<BatchNorm>(address);
  for (let panel = from; panel < to; panel++) {
    const at: usize = 16 * <usize>panel;
    const variance = v128.load(op.runningVar + at);
    const invStd = f32x4.div(f32x4.splat(1), f32x4.sqrt(f32x4.add(variance, f32x4.splat(op.eps))));
    normalize(op, panel, v128.load(op.runningMean + at), invStd);
  }
}

function normalize(op: BatchNorm, panel: i32, mean: v128, invStd: v128): void {
  const at: usize = 16 * <usize>panel;
  const plane = <usize>panel * planeBytes(op.pixels);
  const scale = f32x4.mul(v128.load(op.weight + at), invStd);
  const shift = v128.load(op.bias + at);
  const lambda = v128.load_splat<f32>(op.lambda);
  const zero = f32x4.splat(0);
  const x = op.x + plane;
  const y = op.y + plane;
  for (let p: usize = 0, end = PIXEL * <usize>op.pixels; p < end; p += PIXEL) {
    const v = f32x4.add(f32x4.mul(scale, f32x4.sub(v128.load(x + p), mean)), shift);
    v128.store(y + p, v128.bitselect(v, f32x4.mul(lambda, v), f32x4.gt(v, zero)));
  }
  if (op.panels != 0) packPlane(op.panels, y, op.pixels, op.channels, panel);
}

/**
 * With g = dy if y > 0, else λ·dy:
 *
 *     db = Σ g     dw = Σ g·x̂     dx = γ/√(σ² + ε) · (g − db/m − x̂·dw/m)
 *
 * four channels a panel; dx replaces dy. The sign of y is that of v, unless λ = 0, where the slope is 0 anyway.
 * Loop order: both sums, pixel by pixel; then dx.
 */
export function batchNormBackward(address: usize, from: i32, to: i32): void {
  const op = changetype<BatchNorm>(address);
  const pixels = op.pixels;
  const lambda = v128.load_splat<f32>(op.lambda);
  const zero = f32x4.splat(0);
  const bytes: usize = PIXEL * <usize>pixels;
  for (let panel = from; panel < to; panel++) {
    const at: usize = 16 * <usize>panel;
    const plane = <usize>panel * planeBytes(pixels);
    const x = op.x + plane;
    const y = op.y + plane;
    const dy = op.dy + plane;
    const mean = v128.load(op.mean + at);
    const invStd = v128.load(op.invStd + at);
    let db = zero;
    let dw = zero;
    for (let p: usize = 0; p < bytes; p += PIXEL) {
      const up = v128.load(dy + p);
      const g = v128.bitselect(up, f32x4.mul(lambda, up), f32x4.gt(v128.load(y + p), zero));
      v128.store(dy + p, g);
      db = f32x4.add(db, g);
      dw = f32x4.add(dw, f32x4.mul(g, f32x4.mul(f32x4.sub(v128.load(x + p), mean), invStd)));
    }
    v128.store(op.db + at, db);
    v128.store(op.dw + at, dw);
    const count = f32x4.splat(<f32>pixels);
    const scale = f32x4.mul(v128.load(op.weight + at), invStd);
    const perPixel = f32x4.div(db, count);
    const perHat = f32x4.mul(f32x4.div(dw, count), invStd);
    for (let p: usize = 0; p < bytes; p += PIXEL) {
      const viaStatistics = f32x4.add(perPixel, f32x4.mul(f32x4.sub(v128.load(x + p), mean), perHat));
      v128.store(dy + p, f32x4.mul(scale, f32x4.sub(v128.load(dy + p), viaStatistics)));
    }
    if (op.dxPanels != 0) packPlane(op.dxPanels, dy, op.pixels, op.channels, panel);
  }
}

/**
 * The backward pass of `batchNormEval`, whose μ and σ² are the running statistics and do not depend on x. With g = dy if
 * y > 0, else λ·dy:
 *
 *     db = Σ g     dw = Σ g·x̂     dx = γ/√(σ² + ε) · g
 *
 * four channels a panel; dx replaces dy. Loop order: pixel by pixel.
 */
export function batchNormEvalBackward(address: usize, from: i32, to: i32): void {
  const op = changetype<BatchNorm>(address);
  const pixels = op.pixels;
  const lambda = v128.load_splat<f32>(op.lambda);
  const zero = f32x4.splat(0);
  const bytes: usize = PIXEL * <usize>pixels;
  for (let panel = from; panel < to; panel++) {
    const at: usize = 16 * <usize>panel;
    const plane = <usize>panel * planeBytes(pixels);
    const x = op.x + plane;
    const y = op.y + plane;
    const dy = op.dy + plane;
    const mean = v128.load(op.runningMean + at);
    const variance = v128.load(op.runningVar + at);
    const invStd = f32x4.div(f32x4.splat(1), f32x4.sqrt(f32x4.add(variance, f32x4.splat(op.eps))));
    const scale = f32x4.mul(v128.load(op.weight + at), invStd);
    let db = zero;
    let dw = zero;
    for (let p: usize = 0; p < bytes; p += PIXEL) {
      const up = v128.load(dy + p);
      const g = v128.bitselect(up, f32x4.mul(lambda, up), f32x4.gt(v128.load(y + p), zero));
      db = f32x4.add(db, g);
      dw = f32x4.add(dw, f32x4.mul(g, f32x4.mul(f32x4.sub(v128.load(x + p), mean), invStd)));
      v128.store(dy + p, f32x4.mul(scale, g));
    }
    v128.store(op.db + at, db);
    v128.store(op.dw + at, dw);
    if (op.dxPanels != 0) packPlane(op.dxPanels, dy, pixels, op.channels, panel);
  }
}

/** Σ (x − mean)² */
function squaresOf(x: usize, mean: v128, pixels: i32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = s0;
  let p = 0;
  for (; p + 2 <= pixels; p += 2) {
    const d0 = f32x4.sub(v128.load(x), mean);
    const d1 = f32x4.sub(v128.load(x, 16), mean);
    s0 = f32x4.add(s0, f32x4.mul(d0, d0));
    s1 = f32x4.add(s1, f32x4.mul(d1, d1));
    x += 32;
  }
  if (p < pixels) {
    const d = f32x4.sub(v128.load(x), mean);
    s0 = f32x4.add(s0, f32x4.mul(d, d));
  }
  return f32x4.add(s0, s1);
}

import { ShapeError } from './errors.js';
import { requireInteger, requireOptions, requireShape } from './require.js';
import { formatShape, zeros, type Tensor } from './tensor.js';

export interface ConvOptions {
  /** Step between windows, the same in both directions. Default 1. */
  readonly stride?: number;
  /** Rows and columns of zeros around the image. Default 0. */
  readonly padding?: number;
}

/** ⌊(size + 2·padding − kernel) / stride⌋ + 1 */
export function convOutputSize(size: number, kernel: number, stride: number, padding: number): number {
  return Math.floor((size + 2 * padding - kernel) / stride) + 1;
}

/** Output size [oh, ow]. @throws ParamError, and ShapeError if the kernel is larger than the padded image */
export function convOutputMap(
  op: string,
  x: Tensor,
  weight: Tensor,
  stride: number,
  padding: number,
): [number, number] {
  requireInteger(op, 'stride', stride, 1);
  requireInteger(op, 'padding', padding, 0);
  const [, , h, w] = x.shape;
  const [, , kh, kw] = weight.shape;
  const oh = convOutputSize(h, kh, stride, padding);
  const ow = convOutputSize(w, kw, stride, padding);
  if (oh < 1 || ow < 1) {
    throw new ShapeError(op, `a map of at least ${kh}x${kw} with padding ${padding}`, `x ${formatShape(x.shape)}`);
  }
  return [oh, ow];
}

/**
 * Convolution without flipping the kernel, as usual in deep learning:
 *
 *     y[n,k,oh,ow] = b[k] + Σ_c Σ_i Σ_j w[k,c,i,j] · x[n, c, oh·s + i − p, ow·s + j − p]
 *
 * where x is zero outside the image. The stem and the 1x1 convolutions of VanillaNet use this sum.
 *
 * @param x [n,c,h,w]
 * @param weight [k,c,kh,kw]
 * @param bias [k], or null
 * @returns y [n,k,oh,ow] with oh = ⌊(h + 2p − kh)/s⌋ + 1, ow alike
 * @throws ShapeError, ParamError
 */
export function conv2d(x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions = {}): Tensor {
  const { stride = 1, padding = 0 } = requireOptions('conv2d', 'options', options, ['stride', 'padding']);
  requireShape('conv2d', 'x', x, ['n', 'c', 'h', 'w']);
  const [n, c, h, w] = x.shape;
  requireShape('conv2d', 'weight', weight, ['k', c, 'kh', 'kw']);
  const [k, , kh, kw] = weight.shape;
  if (bias !== null) requireShape('conv2d', 'bias', bias, [k]);
  const [oh, ow] = convOutputMap('conv2d', x, weight, stride, padding);

  const y = zeros([n, k, oh, ow]);
  for (let image = 0; image < n; image++) {
    for (let r = 0; r < oh; r++) {
      for (let s = 0; s < ow; s++) {
        for (let out = 0; out < k; out++) {
          let sum = bias === null ? 0 : bias.get(out);
          for (let i = 0; i < kh; i++) {
            const row = r * stride + i - padding;
            if (row < 0 || row >= h) continue; // the padding is zero
            for (let j = 0; j < kw; j++) {
              const column = s * stride + j - padding;
              if (column < 0 || column >= w) continue;
              for (let inner = 0; inner < c; inner++) {
                sum += weight.get(out, inner, i, j) * x.get(image, inner, row, column);
              }
            }
          }
          y.set(image, out, r, s, sum);
        }
      }
    }
  }
  return y;
}

export interface ConvGradients {
  readonly dx: Tensor;
  readonly dw: Tensor;
  readonly db: Tensor;
}

/**
 * The loops of forward, where every product w·x contributes to two gradients:
 *
 *     dx[n,c,h,w]   = Σ dy[n,k,oh,ow] · w[k,c,i,j]                over all taps that read x[n,c,h,w]
 *     dw[k,c,i,j]   = Σ dy[n,k,oh,ow] · x[n,c,oh·s+i−p,ow·s+j−p]  over n, oh, ow
 *     db[k]         = Σ dy[n,k,oh,ow]                             over n, oh, ow
 *
 * @param dy gradient of the loss with respect to y [n,k,oh,ow]
 * @returns dx [n,c,h,w], dw [k,c,kh,kw], db [k]
 * @throws ShapeError, ParamError
 */
export function conv2dBackward(dy: Tensor, x: Tensor, weight: Tensor, options: ConvOptions = {}): ConvGradients {
  const { stride = 1, padding = 0 } = requireOptions('conv2dBackward', 'options', options, ['stride', 'padding']);
  requireShape('conv2dBackward', 'x', x, ['n', 'c', 'h', 'w']);
  const [n, c, h, w] = x.shape;
  requireShape('conv2dBackward', 'weight', weight, ['k', c, 'kh', 'kw']);
  const [k, , kh, kw] = weight.shape;
  const [oh, ow] = convOutputMap('conv2dBackward', x, weight, stride, padding);
  requireShape('conv2dBackward', 'dy', dy, [n, k, oh, ow]);

  const [dx, dw, db] = [zeros(x.shape), zeros(weight.shape), zeros([k])];
  for (let image = 0; image < n; image++) {
    for (let r = 0; r < oh; r++) {
      for (let s = 0; s < ow; s++) {
        for (let out = 0; out < k; out++) {
          const g = dy.get(image, out, r, s);
          db.set(out, db.get(out) + g);
          for (let i = 0; i < kh; i++) {
            const row = r * stride + i - padding;
            if (row < 0 || row >= h) continue;
            for (let j = 0; j < kw; j++) {
              const column = s * stride + j - padding;
              if (column < 0 || column >= w) continue;
              for (let inner = 0; inner < c; inner++) {
                const tap = weight.get(out, inner, i, j);
                const pixel = x.get(image, inner, row, column);
                dw.set(out, inner, i, j, dw.get(out, inner, i, j) + g * pixel);
                dx.set(image, inner, row, column, dx.get(image, inner, row, column) + g * tap);
              }
            }
          }
        }
      }
    }
  }
  return { dx, dw, db };
}

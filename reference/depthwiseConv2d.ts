import { convOutputMap, type ConvGradients, type ConvOptions } from './conv2d.js';
import { requireOptions, requireShape } from './require.js';
import { zeros, type Tensor } from './tensor.js';

/**
 * Depthwise convolution: every channel has its own kernel (groups = c in PyTorch).
 *
 *     y[n,c,oh,ow] = b[c] + Σ_i Σ_j w[c,0,i,j] · x[n, c, oh·s + i − p, ow·s + j − p]
 *
 * where x is zero outside the image.
 *
 * @param x [n,c,h,w]
 * @param weight [c,1,kh,kw]
 * @param bias [c], or null
 * @returns y [n,c,oh,ow] with oh = ⌊(h + 2p − kh)/s⌋ + 1, ow alike
 * @throws ShapeError, ParamError
 */
export function depthwiseConv2d(x: Tensor, weight: Tensor, bias: Tensor | null, options: ConvOptions = {}): Tensor {
  const { stride = 1, padding = 0 } = requireOptions('depthwiseConv2d', 'options', options, ['stride', 'padding']);
  requireShape('depthwiseConv2d', 'x', x, ['n', 'c', 'h', 'w']);
  const [n, c, h, w] = x.shape;
  requireShape('depthwiseConv2d', 'weight', weight, [c, 1, 'kh', 'kw']);
  const [, , kh, kw] = weight.shape;
  if (bias !== null) requireShape('depthwiseConv2d', 'bias', bias, [c]);
  const [oh, ow] = convOutputMap('depthwiseConv2d', x, weight, stride, padding);

  const y = zeros([n, c, oh, ow]);
  for (let image = 0; image < n; image++) {
    for (let channel = 0; channel < c; channel++) {
      const b = bias === null ? 0 : bias.get(channel);
      for (let r = 0; r < oh; r++) {
        for (let s = 0; s < ow; s++) {
          let sum = b;
          for (let i = 0; i < kh; i++) {
            const row = r * stride + i - padding;
            if (row < 0 || row >= h) continue; // the padding is zero
            for (let j = 0; j < kw; j++) {
              const column = s * stride + j - padding;
              if (column < 0 || column >= w) continue;
              sum += weight.get(channel, 0, i, j) * x.get(image, channel, row, column);
            }
          }
          y.set(image, channel, r, s, sum);
        }
      }
    }
  }
  return y;
}

/**
 * As in `conv2d`, for each channel:
 *
 *     dx[n,c,h,w] = Σ dy[n,c,oh,ow] · w[c,0,i,j]                over all taps that read x[n,c,h,w]
 *     dw[c,0,i,j] = Σ dy[n,c,oh,ow] · x[n,c,oh·s+i−p,ow·s+j−p]  over n, oh, ow
 *     db[c]       = Σ dy[n,c,oh,ow]                             over n, oh, ow
 *
 * @param dy gradient of the loss with respect to y [n,c,oh,ow]
 * @returns dx [n,c,h,w], dw [c,1,kh,kw], db [c]
 * @throws ShapeError, ParamError
 */
export function depthwiseConv2dBackward(
  dy: Tensor,
  x: Tensor,
  weight: Tensor,
  options: ConvOptions = {},
): ConvGradients {
  const { stride = 1, padding = 0 } = requireOptions('depthwiseConv2dBackward', 'options', options, [
    'stride',
    'padding',
  ]);
  requireShape('depthwiseConv2dBackward', 'x', x, ['n', 'c', 'h', 'w']);
  const [n, c, h, w] = x.shape;
  requireShape('depthwiseConv2dBackward', 'weight', weight, [c, 1, 'kh', 'kw']);
  const [, , kh, kw] = weight.shape;
  const [oh, ow] = convOutputMap('depthwiseConv2dBackward', x, weight, stride, padding);
  requireShape('depthwiseConv2dBackward', 'dy', dy, [n, c, oh, ow]);

  const [dx, dw, db] = [zeros(x.shape), zeros(weight.shape), zeros([c])];
  for (let image = 0; image < n; image++) {
    for (let channel = 0; channel < c; channel++) {
      for (let r = 0; r < oh; r++) {
        for (let s = 0; s < ow; s++) {
          const g = dy.get(image, channel, r, s);
          db.set(channel, db.get(channel) + g);
          for (let i = 0; i < kh; i++) {
            const row = r * stride + i - padding;
            if (row < 0 || row >= h) continue;
            for (let j = 0; j < kw; j++) {
              const column = s * stride + j - padding;
              if (column < 0 || column >= w) continue;
              const tap = weight.get(channel, 0, i, j);
              const pixel = x.get(image, channel, row, column);
              dw.set(channel, 0, i, j, dw.get(channel, 0, i, j) + g * pixel);
              dx.set(image, channel, row, column, dx.get(image, channel, row, column) + g * tap);
            }
          }
        }
      }
    }
  }
  return { dx, dw, db };
}

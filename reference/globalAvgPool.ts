import { requireShape } from './require.js';
import { zeros, type Tensor } from './tensor.js';

/**
 * The mean of each channel:
 *
 *     y[n,c,0,0] = Σ_h Σ_w x[n,c,h,w] / (h·w)
 *
 * @param x [n,c,h,w]
 * @returns y [n,c,1,1]
 * @throws ShapeError
 */
export function globalAvgPool(x: Tensor): Tensor {
  requireShape('globalAvgPool', 'x', x, ['n', 'c', 'h', 'w']);
  const [n, c, h, w] = x.shape;
  const y = zeros([n, c, 1, 1]);
  for (let image = 0; image < n; image++) {
    for (let channel = 0; channel < c; channel++) {
      let sum = 0;
      for (let r = 0; r < h; r++) for (let s = 0; s < w; s++) sum += x.get(image, channel, r, s);
      y.set(image, channel, 0, 0, sum / (h * w));
    }
  }
  return y;
}

/**
 *     dx[n,c,h,w] = dy[n,c,0,0] / (h·w)
 *
 * @param dy [n,c,1,1]
 * @param x the input of forward [n,c,h,w]
 */
export function globalAvgPoolBackward(dy: Tensor, x: Tensor): Tensor {
  requireShape('globalAvgPoolBackward', 'x', x, ['n', 'c', 'h', 'w']);
  const [n, c, h, w] = x.shape;
  requireShape('globalAvgPoolBackward', 'dy', dy, [n, c, 1, 1]);
  const dx = zeros(x.shape);
  for (let image = 0; image < n; image++) {
    for (let channel = 0; channel < c; channel++) {
      const share = dy.get(image, channel, 0, 0) / (h * w);
      for (let r = 0; r < h; r++) for (let s = 0; s < w; s++) dx.set(image, channel, r, s, share);
    }
  }
  return dx;
}

/** If a window has several maxima, PyTorch's gradient goes to the first one, and that of some engines to another. */
import type { Layer } from '../../../src/core/network.js';
import type { Tensor } from '../../../src/core/tensor.js';

/**
 * Moves each gradient on one of several equal maxima of a window to the first of them. Gradients at other places stay, so
 * a wrong place is still detected.
 */
export function moveTiesToFirst(layer: Layer & { readonly op: 'maxPool2d' }, x: Tensor, dx: Tensor): Tensor {
  const { stride, kernel_size: size } = layer;
  const [n, c, h, w] = x.shape;
  const data = Float32Array.from(dx.data);
  for (let plane = 0; plane < n * c; plane++) {
    for (let top = 0; top + size <= h; top += stride) {
      for (let left = 0; left + size <= w; left += stride) {
        const places = Array.from({ length: size * size }, (_, i) => {
          const [row, column] = [top + Math.floor(i / size), left + (i % size)];
          return (plane * h + row) * w + column;
        });
        const largest = Math.max(...places.map((place) => x.data[place]));
        const first = places.find((place) => x.data[place] === largest);
        const nonzero = places.filter((place) => data[place] !== 0);
        if (first === undefined || nonzero.length !== 1 || x.data[nonzero[0]] !== largest) continue;
        const gradient = data[nonzero[0]];
        data[nonzero[0]] = 0;
        data[first] = gradient;
      }
    }
  }
  return { data, shape: dx.shape };
}

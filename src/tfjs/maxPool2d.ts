import type { MaxPoolParams } from '../core/ops.js';
import { runKernel, type Maps, type Tf } from './tf.js';

/** The maximum of each window. Rows and columns that do not fill a window are left out. */
export const maxPool2d = (tf: Tf, x: Maps, { kernel_size, stride }: MaxPoolParams): Maps =>
  tf.maxPool(x, kernel_size, stride, 'valid');

/** dx: each dy goes to its window's maximum. */
export const maxPool2dBackward = (tf: Tf, dy: Maps, x: Maps, y: Maps, { kernel_size, stride }: MaxPoolParams): Maps =>
  runKernel(tf, 'MaxPoolGrad', { dy, input: x, output: y }, { filterSize: kernel_size, strides: stride, pad: 'valid' });

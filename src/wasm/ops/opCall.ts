import { sizeOf } from '../../core/tensor.js';
import type { MapShape, Op } from '../../core/network.js';
import { unreachable } from '../../core/unreachable.js';
import type { OpsExports } from './kernels.js';

/** One op of the deploy form on one image. Dropout is among them; at inference it is the identity and runs no kernel. */
export type OpCall = (
  Exclude<Op, { readonly op: 'batchNorm' | 'leakyRelu' }> | { readonly op: 'leakyRelu'; readonly lambda: number }
) & {
  readonly input: MapShape;
  readonly output: MapShape;
};

/** Byte addresses of a call's operands; 0 if the op does not have the operand. */
export interface OpBlocks {
  readonly y: number;
  readonly x: number;
  readonly weight: number;
  readonly bias: number;
  readonly scratch: number;
}

/** Bytes of scratch that a call needs. */
export function scratchBytes(kernels: OpsExports, call: OpCall): number {
  const [c, h, w] = call.input;
  if (call.op === 'conv2d') {
    const [k, , kh, kw] = call.weight;
    return kernels.conv2dScratch(c, h, w, k, kh, kw, call.stride, call.padding);
  }
  if (call.op === 'depthwiseConv2d') {
    const [, , kh, kw] = call.weight;
    return kernels.depthwiseConv2dScratch(h, w, kh, kw, call.stride, call.padding);
  }
  return 0;
}

/** Runs one op on one image. Inputs and scratch must be in place. */
export function runOp(kernels: OpsExports, call: OpCall, { y, x, weight, bias, scratch }: OpBlocks): void {
  const [c, h, w] = call.input;
  switch (call.op) {
    case 'conv2d': {
      const [k, , kh, kw] = call.weight;
      kernels.conv2d(y, x, weight, bias, scratch, c, h, w, k, kh, kw, call.stride, call.padding);
      return;
    }
    case 'depthwiseConv2d': {
      const [, , kh, kw] = call.weight;
      kernels.depthwiseConv2d(y, x, weight, bias, scratch, c, h, w, kh, kw, call.stride, call.padding);
      return;
    }
    case 'leakyRelu':
      kernels.leakyRelu(y, x, sizeOf(call.input), call.lambda);
      return;
    case 'maxPool2d':
      kernels.maxPool2d(y, x, c, h, w, call.kernel_size, call.stride);
      return;
    case 'adaptiveMaxPool2d':
      kernels.adaptiveMaxPool2d(y, x, c, h, w, call.output_size[0], call.output_size[1]);
      return;
    case 'globalAvgPool':
      kernels.globalAvgPool(y, x, c, h, w);
      return;
    case 'dropout':
      return;
    default:
      unreachable(call);
  }
}

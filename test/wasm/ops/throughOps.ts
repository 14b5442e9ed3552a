import type { Tensor } from '../../../src/core/tensor.js';
import type { WasmOps } from '../../../src/wasm/ops/openOps.js';
import type { Sample } from './samples.js';

/** Runs a sample through the public interface. */
export function throughOps(ops: WasmOps, { call, x, weight, bias }: Sample): Tensor {
  switch (call.op) {
    case 'conv2d':
    case 'depthwiseConv2d':
      if (weight === null) throw new Error(`${call.op} without a weight`);
      return ops[call.op](x, weight, bias, call);
    case 'leakyRelu':
      return ops.leakyRelu(x, call.lambda);
    case 'maxPool2d':
      return ops.maxPool2d(x, call);
    case 'adaptiveMaxPool2d':
      return ops.adaptiveMaxPool2d(x, call);
    case 'globalAvgPool':
      return ops.globalAvgPool(x);
    case 'dropout':
      return x;
  }
}

/** The check of a built addon detects wrong values. */
import { beforeAll, expect, test } from '@jest/globals';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import { disagreements } from '../../scripts/tfjsNode/agreement.js';

const KERNELS = {
  convolution: 'Conv2D',
  'gradient to its input': 'Conv2DBackpropInput',
  'gradient to its kernel': 'Conv2DBackpropFilter',
} as const;

/** The storage of the cpu backend. */
interface CpuBackend {
  readonly data: { get(id: object): { readonly values: Float32Array } };
}

/** A copy of the cpu engine. The last value of one kernel is off by 1. */
function engineWith(name: string, wrong?: string): string {
  tf.registerBackend(name, tf.findBackendFactory('cpu'));
  tf.copyRegisteredKernels('cpu', name);
  if (wrong === undefined) return name;
  const correct = tf.getKernel(wrong, name).kernelFunc;
  tf.unregisterKernel(wrong, name);
  tf.registerKernel({
    kernelName: wrong,
    backendName: name,
    kernelFunc: (params) => {
      const result = correct(params) as tf.TensorInfo;
      const values = (params.backend as CpuBackend).data.get(result.dataId).values;
      values[values.length - 1] += 1;
      return result;
    },
  });
  return name;
}

beforeAll(async () => {
  // Suppresses the advice to install tfjs-node.
  tf.env().set('IS_TEST', true);
  await tf.setBackend('cpu');
});

test('a correct engine agrees to the bit', async () => {
  expect(await disagreements(tf, engineWith('right'), 'cpu')).toEqual([]);
});

test.each(Object.entries(KERNELS))('a wrong %s is reported', async (result, kernel) => {
  const lines = await disagreements(tf, engineWith(`wrong ${kernel}`, kernel), 'cpu');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(new RegExp(`^${result}: `));
});

test('an unknown engine is an error', async () => {
  await expect(disagreements(tf, 'nothing', 'cpu')).rejects.toThrow();
});

/** The check of what was built sees what it is for. */
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

/** What the cpu's engine keeps its values in. */
interface Storing {
  readonly data: { get(id: object): { readonly values: Float32Array } };
}

/** An engine as the cpu's, but for one kernel, whose last value is off by the least that can be. */
function engineWith(name: string, wrong?: string): string {
  tf.registerBackend(name, tf.findBackendFactory('cpu'));
  tf.copyRegisteredKernels('cpu', name);
  if (wrong === undefined) return name;
  const right = tf.getKernel(wrong, name).kernelFunc;
  tf.unregisterKernel(wrong, name);
  tf.registerKernel({
    kernelName: wrong,
    backendName: name,
    kernelFunc: (params) => {
      const result = right(params) as tf.TensorInfo;
      const values = (params.backend as Storing).data.get(result.dataId).values;
      values[values.length - 1] += 1;
      return result;
    },
  });
  return name;
}

beforeAll(async () => {
  // Without its advice to install tfjs-node.
  tf.env().set('IS_TEST', true);
  await tf.setBackend('cpu');
});

test('an engine that is right agrees to the bit', async () => {
  expect(await disagreements(tf, engineWith('right'), 'cpu')).toEqual([]);
});

test.each(Object.entries(KERNELS))('a wrong %s is named', async (result, kernel) => {
  const found = await disagreements(tf, engineWith(`wrong ${kernel}`, kernel), 'cpu');
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(new RegExp(`^${result}: `));
});

test('an engine that is not there is an error', async () => {
  await expect(disagreements(tf, 'nothing', 'cpu')).rejects.toThrow();
});

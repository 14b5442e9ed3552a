/**
 * Loads what was built and computes with it: `probe.ts ENTRY` prints what it is as JSON. A
 * process of its own, because an addon that is broken may take its process with it.
 */
import type * as core from '@tensorflow/tfjs-core';
import { pathToFileURL } from 'node:url';
import { mendNodeUtil } from '../../src/runtime/nodeUtil.js';
import { disagreements } from './agreement.js';

/** What TensorFlow.js's own types do not say of the engine of tfjs-node. */
interface NodeEngine {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

mendNodeUtil();
const { default: tf } = (await import(pathToFileURL(process.argv[2]).href)) as { default: typeof core };
const { isUsingGpuDevice, binding } = tf.backend() as unknown as NodeEngine;
const wrong = await disagreements(tf, 'tensorflow', 'cpu');
console.log(JSON.stringify({ libtensorflow: binding.TF_Version, device: isUsingGpuDevice ? 'CUDA' : 'CPU', wrong }));

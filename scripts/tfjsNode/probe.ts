/**
 * Loads an addon, computes with it, and prints its description as JSON: `probe.ts ENTRY`. Runs in a child process,
 * because a broken addon may crash its process.
 */
import type * as core from '@tensorflow/tfjs-core';
import { pathToFileURL } from 'node:url';
import { mendNodeUtil } from '../../src/runtime/nodeUtil.js';
import { disagreements } from './agreement.js';

/** The part of tfjs-node's backend that TensorFlow.js' types lack. */
interface NodeEngine {
  readonly isUsingGpuDevice: boolean;
  readonly binding: { readonly TF_Version: string };
}

mendNodeUtil();
const { default: tf } = (await import(pathToFileURL(process.argv[2]).href)) as { default: typeof core };
const { isUsingGpuDevice, binding } = tf.backend() as unknown as NodeEngine;
const wrong = await disagreements(tf, 'tensorflow', 'cpu');
console.log(JSON.stringify({ libtensorflow: binding.TF_Version, device: isUsingGpuDevice ? 'CUDA' : 'CPU', wrong }));

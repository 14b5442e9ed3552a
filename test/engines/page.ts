/** The script of the test page: `engines.webgpu()` and `engines.webgl()`. */
import '@tensorflow/tfjs-backend-webgl';
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { SHADER } from '../judges/arithmetic.js';
import { check, type CheckResult } from './check.js';

type PageResult = CheckResult | { readonly reason: string };

async function webgpu(): Promise<PageResult> {
  // Undefined in browsers without WebGPU.
  const gpu = (navigator as Partial<Navigator>).gpu;
  const adapter = await gpu?.requestAdapter();
  if (adapter == null) return { reason: gpu === undefined ? 'no navigator.gpu' : 'no adapter' };
  // Otherwise small tensors are computed on the CPU without notice.
  tf.env().set('WEBGPU_CPU_FORWARD', false);
  return check(tf, 'webgpu', SHADER);
}

async function webgl(): Promise<PageResult> {
  const gl = document.createElement('canvas').getContext('webgl2');
  if (gl === null) return { reason: 'no WebGL 2' };
  tf.env().set('WEBGL_CPU_FORWARD', false);
  if (!tf.env().getBool('WEBGL_RENDER_FLOAT32_ENABLED')) return { reason: 'no float32 textures' };
  return check(tf, 'webgl', SHADER);
}

Object.assign(globalThis, { engines: { webgpu, webgl } });

export type { PageResult };

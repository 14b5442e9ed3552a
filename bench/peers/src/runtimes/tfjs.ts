/** TensorFlow.js on its WebAssembly backend. In Node it has SIMD and one thread. */
import tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Job, Opened } from '../job.js';
import { paddingOf, type Chain, type Convolution } from '../models/chain.js';
import { CHAIN, CHANNELS, NHWC_MANIFEST, NHWC_WEIGHTS, readImages, SIDE } from '../models/files.js';
import type { WeightSpec } from '../models/nhwc.js';

export async function open({ models, batch }: Job): Promise<Opened> {
  if (!(await tf.setBackend('wasm'))) throw new Error('the wasm backend is not available');
  const chain = JSON.parse(await readFile(join(models, CHAIN), 'utf8')) as Chain;
  const manifest = JSON.parse(await readFile(join(models, NHWC_MANIFEST), 'utf8')) as WeightSpec[];
  const { buffer, byteOffset, byteLength } = await readFile(join(models, NHWC_WEIGHTS));
  const weights = tf.io.decodeWeights(buffer.slice(byteOffset, byteOffset + byteLength), manifest);
  const images = await readImages(models, 'nhwc', batch);

  const convolve = (x: tf.Tensor4D, convolution: Convolution): tf.Tensor4D => {
    const { name, depthwise, stride: strides, relu, pool } = convolution;
    const y = (depthwise ? tf.fused.depthwiseConv2d : tf.fused.conv2d)({
      x,
      filter: weights[`${name}.weight`] as tf.Tensor4D,
      bias: weights[`${name}.bias`],
      strides,
      pad: paddingOf(convolution),
      activation: relu ? 'relu' : 'linear',
    });
    return pool === 1 ? y : tf.maxPool(y, pool, pool, 'valid');
  };
  const { name: head, weight } = chain.head;
  const classifier = tf.reshape<tf.Rank.R2>(weights[`${head}.weight`], [weight[1], weight[0]]);
  const forward = (): tf.Tensor => {
    const x = tf.tensor4d(images, [batch, SIDE, SIDE, CHANNELS]);
    const map = chain.body.reduce(convolve, x);
    return tf.fused.matMul({
      a: tf.mean<tf.Tensor2D>(map, [1, 2]),
      b: classifier,
      transposeA: false,
      transposeB: false,
      bias: weights[`${head}.bias`],
      activation: 'linear',
    });
  };
  const run = async (): Promise<Float32Array> => {
    const logits = tf.tidy(forward);
    const values = await logits.data<'float32'>();
    logits.dispose();
    return values;
  };
  const binary = createRequire(import.meta.url).resolve(
    '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm',
  );
  return { run, binaries: [binary] };
}

/** The path of this package through TensorFlow.js, on its engine in JavaScript. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createTfjsBackend } from '../../src/entries/tfjs.js';
import { tfjsTrainer } from '../../src/train/tfjsTrainer.js';
import type { Port } from '../port.js';
import { networkWith, trainWith, type OpenTrainer } from './attributes.js';

export async function openTfjs(): Promise<Port> {
  await tf.setBackend('cpu');
  const backend = createTfjsBackend(tf);
  const open: OpenTrainer = (config, options) => tfjsTrainer(backend, config, options);
  return {
    name: 'tfjs:cpu',
    precision: 'float32',
    functions: {
      network: networkWith(backend, open),
      train: trainWith(open),
    },
  };
}

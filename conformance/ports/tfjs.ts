/** The path of this package through TensorFlow.js, on its engine in JavaScript. */
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { createTfjsBackend } from '../../src/entries/tfjs.js';
import { streamOf } from '../../src/core/weights.js';
import { tfjsTrainer } from '../../src/train/tfjsTrainer.js';
import type { Port } from '../port.js';
import { configOf, evaluateWith, pick, stateOf, trainWith, type OpenTrainer } from './attributes.js';

export async function openTfjs(): Promise<Port> {
  await tf.setBackend('cpu');
  const backend = createTfjsBackend(tf);
  const open: OpenTrainer = (config, options) => tfjsTrainer(backend, config, options);
  return {
    name: 'tfjs:cpu',
    precision: 'float32',
    functions: {
      async network(inputs, attributes) {
        if (attributes.form === 'train') return evaluateWith(open, inputs, attributes);
        const x = pick(inputs, 'x');
        const config = configOf(attributes, x.shape.slice(2));
        const session = await backend.open(streamOf(stateOf(inputs, config)), config);
        try {
          const n = x.shape[0];
          return new Map([['logits', { data: await session.forward(x.data, n), shape: [n, config.num_classes] }]]);
        } finally {
          session.dispose();
        }
      },
      train: trainWith(open),
    },
  };
}

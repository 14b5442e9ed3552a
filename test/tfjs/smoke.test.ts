import { expect, test } from '@jest/globals';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { createTfjsBackend } from '../../src/tfjs/index.js';
import { NETWORKS, trainConfig } from '../wasm/training/chain.js';
import { drawState } from '../wasm/networks.js';
import { draw, uniform } from '../wasm/draw.js';
import { oracleTrainer } from '../../src/train/trainer.js';
import { streamOf } from '../../src/core/weights.js';
import { referenceBackend } from '../../src/oracle/backend.js';

test.each(NETWORKS.filter((n) => !n.flat))('$label', async ({ sizes, n, form }) => {
  for (const name of ['cpu', 'wasm']) {
    await tf.setBackend(name);
    const config = { ...trainConfig(sizes, form), lambda: form ? null : 0.25 };
    const state = drawState(config);
    const x = draw([n, config.in_chans, ...config.input_size], uniform(11)).data;
    const q = new Float32Array(n * config.num_classes);
    for (let i = 0; i < n; i++) q[i * config.num_classes + (i % config.num_classes)] = 1;
    const backend = createTfjsBackend(tf);
    const before = tf.memory().numTensors;
    const s = await backend.open(streamOf(state), config);
    const y = await s.forward(x, n);
    const r = await (await referenceBackend.open(streamOf(state), config)).forward(x, n);
    let max = 0,
      size = 0;
    for (let i = 0; i < r.length; i++) {
      max = Math.max(max, Math.abs(r[i] - y[i]));
      size = Math.max(size, Math.abs(r[i]));
    }
    s.dispose();
    const line = [name, config.form, 'fwd', max / size];
    if (name === 'cpu') {
      for (const kind of ['adam', 'adamw', 'sgd', 'lamb'] as const) {
        const t = await backend.train(state, config, {
          loss: kind === 'lamb' ? 'bce' : 'cross-entropy',
          ema: true,
          seed: 5,
        });
        const o = oracleTrainer(config, { seed: 5, state, loss: kind === 'lamb' ? 'bce' : 'cross-entropy', ema: true });
        for (let i = 0; i < 3; i++) {
          const p = await t.pass(x, q, 0.25);
          await t.optimise({
            kind,
            lr: 1e-3,
            weightDecay: 0.05,
            layerDecay: 0.8,
            ...(kind === 'sgd' ? { momentum: 0.9, nesterov: true } : {}),
          });
          await t.ema(0.9);
          const out = o.step(x, q, {
            lambda: 0.25,
            emaDecay: 0.9,
            optimiser: {
              kind,
              lr: 1e-3,
              weightDecay: 0.05,
              layerDecay: 0.8,
              ...(kind === 'sgd' ? { momentum: 0.9, nesterov: true } : {}),
            },
          });
          line.push(Math.abs(p.losses.reduce((a, b) => a + b, 0) / n - out.loss));
        }
        const so = o.state(),
          st = await t.state();
        let w = 0,
          at = '';
        for (const [k, v] of so) {
          const u = st.get(k)!;
          let d = 0,
            m = 1e-3;
          v.data.forEach((a, i) => {
            d = Math.max(d, Math.abs(a - u.data[i]));
            m = Math.max(m, Math.abs(a));
          });
          if (d / m > w) {
            w = d / m;
            at = k;
          }
        }
        line.push(kind, w, at);
        const so2 = o.snapshot().optimiser,
          st2 = await t.optimiserState();
        expect([...st2.keys()]).toHaveLength(so2.size);
        t.dispose();
      }
    }
    expect(tf.memory().numTensors).toBe(before);
    console.log(line.join(' '));
  }
});

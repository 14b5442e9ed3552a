/** The judge of the steps is itself a training: where nothing is off, it must be the oracle's. */
import { expect, test } from '@jest/globals';
import { oracleTrainer } from '../../src/train/trainer.js';
import { IEEE } from '../judges/arithmetic.js';
import { drawState } from '../wasm/networks.js';
import { EXACT } from './cross/chain.js';
import { imagesFor, sharesFor } from './cross/given.js';
import { COURSES } from './cross/steps.js';
import { Twin } from './cross/twin.js';

// By its rest: for a parameter that a row lacks, jest passes a callback, and waits for it.
test.each(COURSES.map((course) => [course.label, course] as const))('%s', async (...[, course]) => {
  const { network, lambda, loss, step } = course;
  const state = drawState(network.config);
  const twin = new Twin(state, network.config, { loss, seed: 3 }, IEEE, EXACT);
  const oracle = oracleTrainer(network.config, { seed: 3, state, loss });
  for (let i = 0; i < 3; i++) {
    const [x, q] = [imagesFor(network, i), sharesFor(network, 50 + i)];
    const { loss: exact } = await oracle.step(x.data, q.data, { lambda, optimiser: step });
    const { losses } = twin.step(x, q, lambda, step);
    expect(Array.from(losses.data).reduce((a, b) => a + b, 0) / network.n).toBeCloseTo(exact, 12);
  }
  const after = await oracle.snapshot();
  for (const [name, { data }] of [...after.state, ...after.optimiser]) {
    // The counters of batches are nobody's rounding.
    if (name.endsWith('num_batches_tracked')) continue;
    const got = twin.state.get(name) ?? twin.moments.get(name);
    data.forEach((value, i) => {
      expect(Math.abs((got?.data[i] ?? NaN) - value)).toBeLessThan(1e-12);
    });
  }
});

/** Compares a step of an optimizer with the float64 reference, on the same float32 inputs. */
import { lambDivisor, tensor } from '../../../reference/index.js';
import { resolveStep, type OptimizerStep } from '../../../src/core/optimizer.js';
import { tensorsAt } from '../../../src/wasm/training/tensors.js';
import { optimizerBound, stepOf } from '../../judges/optimizerBound.js';
import { draw, uniform } from '../draw.js';
import { findMismatch } from '../judge.js';
import { Chain, type NETWORKS } from './chain.js';

/**
 * Checks a step on random gradients and moments; returns the first error, or null.
 *
 * @param count number of steps, including this one
 * @param size magnitude of the gradients
 */
export async function findOptimizerMismatch(
  wasm: Uint8Array,
  network: (typeof NETWORKS)[number],
  options: OptimizerStep,
  count: number,
  size = 0.3,
): Promise<string | null> {
  const chain = await Chain.open(wasm, network.sizes, network.n, { form: network.form });
  const { tensors, blocks, optimizers } = chain.layout;
  const step = resolveStep(options);
  const [grads, ms, vs] = [blocks.grad, blocks.m, blocks.v].map((base) => tensorsAt(tensors, base));
  const random = uniform(31);
  const drawn = (scale: number, positive: boolean) =>
    new Map(
      [...grads].map(([name, { shape }], k) => {
        const { data } = draw(shape, random);
        // Some gradients are 0, and in the first step also their moments.
        const values = data.map((x, i) => ((i + k) % 7 === 0 ? 0 : scale * (positive ? x * x : x)));
        return [name, { shape, data: values }] as const;
      }),
    );
  const [g, m, v] = [drawn(size, false), drawn(count === 1 ? 0 : 0.1, false), drawn(count === 1 ? 0 : 0.01, true)];
  chain.load(grads, g);
  chain.load(ms, m);
  chain.load(vs, v);
  // A tensor with norm 0: LAMB's trust ratio is 1.
  const p = new Map(chain.readAll(tensorsAt(tensors, blocks.state)));
  const empty = 'stages.0.act.weight';
  const zero = p.get(empty)?.shape ?? [];
  p.set(empty, { shape: zero, data: new Float32Array(p.get(empty)?.data.length ?? 0) });
  chain.load(tensorsAt(tensors, blocks.state), p);

  const stages = chain.config.strides.length;
  optimizers.set(chain.view, step, count, stages);
  chain.run(optimizers.spans[step.kind === 'adamw' ? 'adam' : step.kind]);

  const after = {
    param: chain.readAll(tensorsAt(tensors, blocks.state)),
    exp_avg: chain.readAll(ms),
    exp_avg_sq: chain.readAll(vs),
    momentum_buffer: chain.readAll(ms),
  };
  const value = step.kind === 'lamb' ? lambDivisor([...g.values()].map(({ data, shape }) => tensor(data, shape))) : 1;
  for (const [name, parameter] of p) {
    const [grad, first, second] = [g.get(name), m.get(name), v.get(name)];
    if (grad === undefined || first === undefined || second === undefined) return `${name}: not drawn`;
    const own = stepOf(name, grad.shape, step, stages);
    const verdicts = optimizerBound({ p: parameter, g: grad, m: first, v: second }, own, count, { value, off: 0 });
    for (const [what, { exact, bound }] of verdicts) {
      const got = after[what as keyof typeof after].get(name)?.data ?? new Float32Array(0);
      const wrong = findMismatch(got, { shape: grad.shape, exact, bound });
      if (wrong !== null) return `${name}, ${what}: ${wrong}`;
    }
  }
  return null;
}

/** Every optimizer with all of its options, in the first step and later. */
export const STEPS: readonly (readonly [label: string, step: OptimizerStep, count: number, size?: number])[] = [
  ['Adam', { kind: 'adam', lr: 1e-2, weightDecay: 0.02 }, 1],
  ['Adam, later, decay of weights only', { kind: 'adam', lr: 1e-2, weightDecay: 0.02, decayVectors: false }, 7],
  ['AdamW with layer decay', { kind: 'adamw', lr: 1e-2, weightDecay: 0.3, layerDecay: 0.8, eps: 1e-6 }, 5],
  ['SGD', { kind: 'sgd', lr: 1e-1, weightDecay: 0.02 }, 1],
  ['SGD with momentum', { kind: 'sgd', lr: 1e-1, momentum: 0.9, weightDecay: 0.02 }, 3],
  [
    'SGD with Nesterov momentum, layer decay',
    { kind: 'sgd', lr: 1e-1, momentum: 0.9, nesterov: true, layerDecay: 0.7 },
    3,
  ],
  ['LAMB', { kind: 'lamb', lr: 5e-3, weightDecay: 0.3 }, 1],
  ['LAMB, later, with layer decay', { kind: 'lamb', lr: 5e-3, weightDecay: 0.3, layerDecay: 0.8 }, 9],
  ['LAMB, everything decays', { kind: 'lamb', lr: 5e-3, weightDecay: 0.3, decayVectors: true, eps: 1e-6 }, 9],
  ['LAMB, gradients below the clipping norm', { kind: 'lamb', lr: 5e-3, weightDecay: 0.3 }, 9, 1e-4],
  ['LAMB without decay', { kind: 'lamb', lr: 5e-3 }, 4],
];

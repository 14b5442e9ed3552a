/** The attributes of a case, as the functions of this package take them. */
import type { Backend } from '../../src/core/backend.js';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { parameterShapes } from '../../src/core/parameters.js';
import type { OptimizerStep } from '../../src/core/optimizer.js';
import type { StateDict, Tensor } from '../../src/core/tensor.js';
import { streamOf } from '../../src/core/weights.js';
import type { Trainer, TrainerOptions } from '../../src/train/trainer.js';
import type { PortFunction, Tensors } from '../port.js';
import type { Attributes } from '../vectors.js';

export const pick = (tensors: Tensors, name: string): Tensor => {
  const value = tensors.get(name);
  if (value === undefined) throw new Error(`the case has no input ${name}`);
  return value;
};

export const numberOf = (attributes: Attributes, name: string): number => Number(attributes[name]);

/** The configuration of a network for images of this size. */
export function configOf(attributes: Attributes, size: readonly number[]): ModelConfig {
  const { dims, strides, ada_pool, in_chans, num_classes, act_num, form } = attributes as Readonly<
    Record<keyof ModelConfig, never>
  >;
  return resolveConfig({
    ...{ dims, strides, ada_pool, in_chans, num_classes, act_num, form },
    input_size: [size[0], size[1]],
  });
}

/** The inputs under `state.`, in PyTorch's order, with the counters of batches. */
export function stateOf(inputs: Tensors, config: ModelConfig): StateDict {
  return new Map(
    [...parameterShapes(config).keys()].map((name) => [
      name,
      name.endsWith('.num_batches_tracked') ? { data: Float64Array.of(0), shape: [] } : pick(inputs, `state.${name}`),
    ]),
  );
}

/** The settings of an optimizer, by the names of this package. */
export function optimizerOf(attributes: Attributes): OptimizerStep {
  const { weight_decay: weightDecay, ...rest } = attributes as Readonly<
    Record<keyof OptimizerStep | 'weight_decay', never>
  >;
  return { ...rest, weightDecay };
}

export type OpenTrainer = (
  config: ModelConfig,
  options: TrainerOptions & { readonly batchSize: number },
) => Trainer | Promise<Trainer>;

/** The training steps of a case. Gradients are not among the results: the trainers keep them to themselves. */
export const trainWith =
  (open: OpenTrainer): PortFunction =>
  async (inputs, attributes) => {
    const [x, targets] = [pick(inputs, 'x'), pick(inputs, 'targets')];
    const [steps, n, , ...size] = x.shape;
    const config = configOf(attributes, size);
    const { lambda, optimizer, running_var } = attributes as {
      readonly lambda: readonly number[];
      readonly optimizer: Attributes;
      readonly running_var: 'biased' | 'unbiased';
    };
    const options = { seed: 1, batchSize: n, state: stateOf(inputs, config), runningVar: running_var };
    const trainer = await open(config, options);
    try {
      const losses = new Float64Array(steps);
      const part = ({ data }: Tensor, step: number): Float32Array =>
        Float32Array.from(data.subarray((step * data.length) / steps, ((step + 1) * data.length) / steps));
      let logits: Tensor = { data: new Float64Array(0), shape: [] };
      for (let step = 0; step < steps; step++) {
        const options = { lambda: lambda[step], optimizer: optimizerOf(optimizer) };
        const outcome = await trainer.step(part(x, step), part(targets, step), options);
        losses[step] = outcome.loss;
        logits = { data: Float64Array.from(outcome.logits), shape: [n, config.num_classes] };
      }
      const state = [...(await trainer.state())].map(([name, value]) => [`new_state.${name}`, value] as const);
      const loss = { data: losses, shape: [steps] };
      return new Map([['loss', loss], ['logits', logits], ...state]);
    } finally {
      trainer.dispose();
    }
  };

/** The logits of a network: of the deploy form by inference, of the train form by a trainer's evaluation. */
export const networkWith =
  (backend: Backend, open: OpenTrainer): PortFunction =>
  async (inputs, attributes) => {
    if (attributes.form === 'train') return evaluateWith(open, inputs, attributes);
    const x = pick(inputs, 'x');
    const [n, , ...size] = x.shape;
    const config = configOf(attributes, size);
    const session = await backend.open(streamOf(stateOf(inputs, config)), config);
    try {
      return new Map([['logits', { data: await session.forward(x.data, n), shape: [n, config.num_classes] }]]);
    } finally {
      session.dispose();
    }
  };

async function evaluateWith(open: OpenTrainer, inputs: Tensors, attributes: Attributes): Promise<Tensors> {
  const x = pick(inputs, 'x');
  const [n, , ...size] = x.shape;
  const config = configOf(attributes, size);
  const trainer = await open(config, { seed: 1, batchSize: Math.max(2, n), state: stateOf(inputs, config) });
  try {
    const targets = new Float32Array(n * config.num_classes).fill(1 / config.num_classes);
    const options = { lambda: numberOf(attributes, 'lambda') };
    const { logits } = await trainer.evaluate(Float32Array.from(x.data), targets, options);
    return new Map([['logits', { data: logits, shape: [n, config.num_classes] }]]);
  } finally {
    trainer.dispose();
  }
}

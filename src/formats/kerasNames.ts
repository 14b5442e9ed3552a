/** The names that keras_cv_attention_models gives the layers of a VanillaNet, and PyTorch's. */
import { show } from '../core/check.js';
import { WeightsError } from '../core/errors.js';
import type { Form } from '../core/config.js';
import type { FileFacts } from './foreignFile.js';

/** Layers without the number of a stage, in each form. */
const FIXED: Readonly<Record<Form, Readonly<Record<string, string>>>> = {
  train: {
    ...{ stem_1_conv: 'stem1.0', stem_1_bn: 'stem1.1', stem_2_conv: 'stem2.0', stem_2_bn: 'stem2.1' },
    ...{ stem_2_act_dw_conv: 'stem2.2', stem_2_act_bn: 'stem2.2.bn' },
    ...{ pre_head_conv: 'cls1.2', pre_head_bn: 'cls1.3', head_conv: 'cls2.0' },
  },
  deploy: { stem_1_conv: 'stem.0', stem_2_act_dw_conv: 'stem.1', pre_head_conv: 'cls.2' },
};

/** Layers of a stage, after `stackN_`, which counts from 1. */
const STAGE: Readonly<Record<Form, Readonly<Record<string, string>>>> = {
  train: {
    ...{ '1_conv': 'conv1.0', '1_bn': 'conv1.1', '2_conv': 'conv2.0', '2_bn': 'conv2.1' },
    ...{ act_dw_conv: 'act', act_bn: 'act.bn' },
  },
  deploy: { '1_conv': 'conv', act_dw_conv: 'act' },
};

const VARIABLES: Readonly<Record<string, string>> = {
  ...{ kernel: 'weight', depthwise_kernel: 'weight', bias: 'bias', gamma: 'weight', beta: 'bias' },
  ...{ moving_mean: 'running_mean', moving_variance: 'running_var' },
};

const own = (names: Readonly<Record<string, string>>, name: string): string | null =>
  Object.hasOwn(names, name) ? names[name] : null;

function layerName(layer: string, form: Form): string | null {
  const stage = /^stack([1-9]\d{0,3})_(.+)$/.exec(layer);
  if (stage === null) return own(FIXED[form], layer);
  const name = own(STAGE[form], stage[2]);
  return name === null ? null : `stages.${Number(stage[1]) - 1}.${name}`;
}

/** PyTorch's name of an array of a layer; null if it is none of a VanillaNet. */
export function pyTorchName(layer: string, variable: string, form: Form): string | null {
  const [prefix, name] = [layerName(layer, form), own(VARIABLES, variable)];
  return prefix === null || name === null ? null : `${prefix}.${name}`;
}

/** A layer with weights in a file that numbers them by their kinds. */
interface Numbered {
  readonly kind: string;
  readonly number: number;
}

/** The layers of each kind, in the order of the network. */
function orderedLayers(form: Form, stages: number): Readonly<Record<string, readonly string[]>> {
  const numbers = Array.from({ length: stages }, (_, i) => `stack${i + 1}_`);
  const perStage = (names: readonly string[]): string[] =>
    numbers.flatMap((stage) => names.map((name) => stage + name));
  const isTrain = form === 'train';
  return {
    conv2d: [
      ...(isTrain ? ['stem_1_conv', 'stem_2_conv'] : ['stem_1_conv']),
      ...perStage(isTrain ? ['1_conv', '2_conv'] : ['1_conv']),
      ...(isTrain ? ['pre_head_conv', 'head_conv'] : ['pre_head_conv']),
    ],
    depthwise_conv2d: ['stem_2_act_dw_conv', ...perStage(['act_dw_conv'])],
    batch_normalization: isTrain
      ? ['stem_1_bn', 'stem_2_bn', 'stem_2_act_bn', ...perStage(['1_bn', '2_bn', 'act_bn']), 'pre_head_bn']
      : [],
  };
}

/**
 * The names of layers that a file numbers, by `KIND NUMBER`.
 *
 * @param layers any order, repeated ones too
 * @throws WeightsError unless there are as many of each kind as a VanillaNet has
 */
export function nameLayers(layers: readonly Numbered[], op: string): ReadonlyMap<string, string> {
  const kinds = new Map<string, Set<number>>();
  for (const { kind, number } of layers) kinds.set(kind, (kinds.get(kind) ?? new Set()).add(number));
  const form = kinds.has('batch_normalization') ? 'train' : 'deploy';
  const stages = (kinds.get('depthwise_conv2d')?.size ?? 1) - 1;
  const expected = orderedLayers(form, stages);
  const names = new Map<string, string>();
  for (const [kind, ordered] of Object.entries(expected)) {
    const numbers = [...(kinds.get(kind) ?? [])].sort((a, b) => a - b);
    if (numbers.length !== ordered.length) {
      const got = `${numbers.length} layers of the kind ${kind}`;
      const hint = 'Only weights of VanillaNet are read.';
      throw new WeightsError({ op, expected: `${ordered.length}, as a VanillaNet of ${stages} stages has`, got, hint });
    }
    numbers.forEach((number, i) => names.set(`${kind} ${number}`, ordered[i]));
  }
  return names;
}

/** A layer of the activation of the stem or a stage, and which one. */
const ACTIVATION = /^(?:stem_2|stack\d+)_act_(?!pad$|dw_conv$|bn$)(.+)$/;

/** @throws WeightsError if the activations are not ReLU */
export function refuseActivations(layers: readonly string[], op: string): void {
  for (const layer of layers) {
    const activation = ACTIVATION.exec(layer)?.[1];
    if (activation === undefined || activation === 'relu') continue;
    const hint = 'Only networks with ReLU are read, as the published ones are.';
    throw new WeightsError({ op, expected: 'the activation relu', got: show(activation), hint });
  }
}

const LEAKY = /_leaky_relu\/(\d+(?:\.\d+)?(?:e-?\d+)?)$/;

/** The stages of a network whose layers have these names. */
function stageCount(layers: ReadonlySet<string>): number {
  let count = 0;
  while (layers.has(`stack${count + 1}_act_dw_conv`)) count++;
  return count;
}

/** What the names of layers say: λ of the activations when the network was built, and which stages pool. */
export function factsOfNames(names: readonly string[]): FileFacts {
  const layers = new Set(names);
  const lambdas = new Set(names.flatMap((name) => LEAKY.exec(name)?.[1] ?? []).map(Number));
  const stages = stageCount(layers);
  const [lambda] = lambdas;
  const isLambda = lambdas.size === 1 && lambda <= 1;
  const strides = Array.from({ length: stages }, (_, i) => (layers.has(`stack${i + 1}_down`) ? 2 : 1));
  return {
    ...(isLambda ? { lambda } : {}),
    ...(stages > 0 ? { strides } : {}),
    guesses: {
      ...(isLambda
        ? { lambda: `lambda ${lambda}: that of the names of layers, which set_leaky_relu_alpha does not change.` }
        : {}),
      strides: `strides [${strides.join(', ')}]: a layer that is named stackN_down pools by 2.`,
    },
  };
}

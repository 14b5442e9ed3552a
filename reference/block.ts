import { checkConfig, type Config } from './config.js';
import {
  adaptiveMaxPoolLayer,
  batchNormLayer,
  convLayer,
  depthwiseLayer,
  leakyLayer,
  maxPoolLayer,
  reluLayer,
  type Layer,
} from './layers.js';
import { requireInteger, requireRange } from './require.js';

/**
 * The series activation as layers: ReLU, depthwise convolution, and in the train form a batch normalization.
 * Equation and source are in seriesActivation.ts.
 */
export function activation(name: string, { act_num, form }: Config): Layer[] {
  const deploy = form === 'deploy';
  const links = [reluLayer(`${name}.relu`), depthwiseLayer(name, act_num, deploy)];
  return deploy ? links : [...links, batchNormLayer(`${name}.bn`)];
}

function pool(name: string, stride: number, ada: number): Layer[] {
  if (stride === 1) return [];
  return [ada === 0 ? maxPoolLayer(name, stride) : adaptiveMaxPoolLayer(name, ada)];
}

/**
 * Stage i of the network:
 *
 *     train:   conv 1x1 (d→d), BN, leaky(λ), conv 1x1 (d→d'), BN, pool, series activation
 *     deploy:  conv 1x1 (d→d'),                               pool, series activation
 *
 * A stage of stride 1 has no pooling.
 */
export function block(config: Config, i: number): Layer[] {
  checkConfig(config);
  requireInteger('block', 'i', i, 0);
  requireRange('block', 'i', i, 0, config.strides.length, true);
  const name = `stages.${i}`;
  const convolutions =
    config.form === 'deploy'
      ? [convLayer(`${name}.conv`)]
      : [
          convLayer(`${name}.conv1.0`),
          batchNormLayer(`${name}.conv1.1`),
          leakyLayer(`${name}.conv1.leaky`),
          convLayer(`${name}.conv2.0`),
          batchNormLayer(`${name}.conv2.1`),
        ];
  return [
    ...convolutions,
    ...pool(`${name}.pool`, config.strides[i], config.ada_pool?.[i] ?? 0),
    ...activation(`${name}.act`, config),
  ];
}

import type { OpSpec } from '../../judges/opSpec.js';
import { adam } from './adam.js';
import { adamw } from './adamw.js';
import { adaptiveMaxPool2d } from './adaptiveMaxPool2d.js';
import { batchNorm } from './batchNorm.js';
import { bceWithLogits } from './bceWithLogits.js';
import { config } from './config.js';
import { conv2d } from './conv2d.js';
import { crossEntropy } from './crossEntropy.js';
import { cosineAnnealing } from './cosineAnnealing.js';
import { ema } from './ema.js';
import { depthwiseConv2d } from './depthwiseConv2d.js';
import { dropPath } from './dropPath.js';
import { dropout } from './dropout.js';
import { fuse } from './fuse.js';
import { globalAvgPool } from './globalAvgPool.js';
import { lamb } from './lamb.js';
import { labelSmoothingCrossEntropy } from './labelSmoothingCrossEntropy.js';
import { layerScale } from './layerScale.js';
import { lambdaSchedule } from './lambdaSchedule.js';
import { leakyRelu } from './leakyRelu.js';
import { logSoftmax } from './logSoftmax.js';
import { maxPool2d } from './maxPool2d.js';
import { philox } from './philox.js';
import { sgd } from './sgd.js';
import { seriesActivation } from './seriesActivation.js';
import { softmax } from './softmax.js';
import { truncatedNormal } from './truncatedNormal.js';
import { vanillaNet } from './vanillaNet.js';

/** Every op of the reference, and the network made of them. A golden without a row here is a failing test. */
export const OPS: readonly OpSpec[] = [
  adam,
  adamw,
  adaptiveMaxPool2d,
  batchNorm,
  bceWithLogits,
  config,
  conv2d,
  crossEntropy,
  cosineAnnealing,
  ema,
  depthwiseConv2d,
  dropPath,
  dropout,
  fuse,
  globalAvgPool,
  lamb,
  labelSmoothingCrossEntropy,
  layerScale,
  lambdaSchedule,
  leakyRelu,
  logSoftmax,
  maxPool2d,
  philox,
  sgd,
  seriesActivation,
  softmax,
  truncatedNormal,
  vanillaNet,
];

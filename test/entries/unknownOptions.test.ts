/** Every public function with options refuses an unknown one, and names the nearest. */
import { describe, expect, test } from '@jest/globals';
import * as tfCore from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { bytes as module } from '#wasm/plain';
import * as reference from '../../reference/index.js';
import * as core from '../../src/entries/core.js';
import * as index from '../../src/entries/index.js';
import * as node from '../../src/entries/node.js';
import * as ops from '../../src/entries/ops.js';
import * as tfjs from '../../src/entries/tfjs.js';
import * as train from '../../src/entries/train.js';
import { functionsOf } from '../fuzz/entry.js';
import { imageSetOf, stateOf, TINY, TINY_TRAIN, WEIGHT_FILES } from '../fuzz/fixtures.js';
import { Random } from '../fuzz/random.js';

/** A call with an options object, which has one key: a misspelling of `key`. */
type Call = readonly [name: string, key: string, call: (options: never) => unknown];

const random = new Random('unknown options');
const file = (): Uint8Array => WEIGHT_FILES[0].slice();
const model = await index.loadModel(file());
const x = new Float32Array(3 * 16 * 16);
const pixels = { data: new Uint8Array(3 * 16 * 16), width: 16, height: 16 };
const images = imageSetOf(random);
const trainerOptions = { seed: 1, batchSize: 2 };
const targets = Float32Array.from([1, 0, 0, 0, 1, 0]);
const trained = { state: stateOf(TINY_TRAIN), config: TINY_TRAIN };
const wasmTrainer = await train.wasmTrainer(TINY_TRAIN, trainerOptions);
const oracleTrainer = train.oracleTrainer(TINY_TRAIN, trainerOptions);
await tfCore.setBackend('cpu');
const tfBackend = tfjs.createTfjsBackend(tfCore);
const tfTrainer = await train.tfjsTrainer(tfBackend, TINY_TRAIN, trainerOptions);

const r = {
  x: reference.tensor(x, [1, 3, 16, 16]),
  weight: reference.tensor([1, 1, 1], [1, 3, 1, 1]),
  depthwise: reference.tensor([1, 1, 1], [3, 1, 1, 1]),
  vector: reference.tensor([1, 1, 1], [3]),
  config: reference.config({ dims: [4, 8, 8], strides: [2, 1], num_classes: 3, act_num: 1 }),
};
const norm = { weight: r.vector, bias: r.vector, runningMean: r.vector, runningVar: r.vector };
const moments = { m: r.vector, v: r.vector };
const state = reference.initialize(r.config, { seed: 1 });
const step = reference.forward(r.config, state, r.x, { training: false, lambda: 1 }).steps[0];

const CALLS: readonly Call[] = [
  ['core.resolveConfig', 'num_classes', (options) => core.resolveConfig(options)],
  ['core.planNetwork', 'num_classes', (options) => core.planNetwork({ ...TINY, ...(options as object) }, [16, 16])],
  ['core.parameterShapes', 'num_classes', (options) => core.parameterShapes({ ...TINY, ...(options as object) })],
  ['core.fit', 'crop_pct', (options) => core.fit(pixels, options)],
  ['core.preprocess', 'interpolation', (options) => core.preprocess(pixels, options)],
  ['core.encodeSafetensors', 'metadata', (options) => core.encodeSafetensors(stateOf(TINY), options)],
  ['core.cutShards', 'limit', (options) => core.cutShards(file(), options)],
  ['core.openShards', 'timeout', (options) => core.openShards({}, () => file(), options)],
  ['core.loadModel', 'memoryLimit', (options) => core.loadModel(file(), { wasm: module, ...(options as object) })],
  ['core.loadModel: config', 'num_classes', (config) => core.loadModel(file(), { wasm: module, config })],
  ['core.memoryPlan', 'threads', (options) => core.memoryPlan(TINY, options)],
  ['core.wasmBackendFrom', 'timeout', (options) => core.wasmBackendFrom(module, options)],
  ['core.Model.open', 'num_classes', (options) => core.Model.open(stateOf(TINY), options, index.wasmBackend)],
  ['core.Model.load', 'num_classes', (o) => core.Model.load(core.streamOf(stateOf(TINY)), o, index.wasmBackend)],
  ['model.forward', 'signal', (options) => model.forward(x, options)],
  ['model.forward with n', 'signal', (options) => model.forward(x, 1, options)],
  ['model.features', 'signal', (options) => model.features(x, ['stem'], options)],
  ['model.classify', 'topK', (options) => model.classify(pixels, options)],
  ['index.loadModel', 'threads', (options) => index.loadModel(file(), options)],
  ['index.createWasmBackend', 'threads', (options) => index.createWasmBackend(options)],
  ['node.batchOf', 'dtype', (options) => node.batchOf(images, [0], options)],
  ['node.download', 'force', (options) => node.download({ url: 'http://127.0.0.1:9/', md5: '0' }, '/none', options)],
  ['node.readImage', 'maxPixels', (options) => node.readImage('none.png', options)],
  ['node.readImageFolder', 'interpolation', (options) => node.readImageFolder('none', options)],
  ['node.openDataset', 'keepOriginalSize', (options) => node.openDataset('shapes', 'train', options)],
  ['node.drawShapes', 'first', (options) => node.drawShapes(1, options)],
  ['node.readWeights', 'config', (options) => node.readWeights('none.safetensors', options)],
  ['node.writeWeights', 'dtype', (options) => node.writeWeights('/none/x', stateOf(TINY), TINY, options)],
  ['node.fuseState', 'probeSize', (options) => node.fuseState(stateOf(TINY_TRAIN), TINY_TRAIN, options)],
  ['train.resolveRecipe', 'batchSize', (options) => train.resolveRecipe(options)],
  ['train.train', 'workers', (options) => train.train({ train: images, validation: null }, TINY_TRAIN, {}, options)],
  ['train.train: recipe', 'epochs', (recipe) => train.train({ train: images, validation: null }, TINY_TRAIN, recipe)],
  ['train.fineTune', 'newHead', (o) => train.fineTune({ train: images, validation: null }, trained, {}, o)],
  ['train.transferWeights', 'newHead', (options) => train.transferWeights(trained, ['a', 'b'], options)],
  ['train.oracleTrainer', 'batchSize', (options) => train.oracleTrainer(TINY_TRAIN, options)],
  ['train.wasmTrainer', 'threads', (options) => train.wasmTrainer(TINY_TRAIN, options)],
  ['train.tfjsTrainer', 'batchSize', (options) => train.tfjsTrainer(tfBackend, TINY_TRAIN, options)],
  ...Object.entries({ oracleTrainer, wasmTrainer, tfTrainer }).flatMap(([name, trainer]): Call[] => [
    [`${name}.step`, 'lambda', (options) => trainer.step(new Float32Array(2 * 768), targets, options)],
    [
      `${name}.step: optimizer`,
      'weightDecay',
      (options) =>
        trainer.step(new Float32Array(2 * 768), targets, {
          lambda: 1,
          optimizer: { kind: 'adam', lr: 0.1, ...(options as object) },
        }),
    ],
    [`${name}.evaluate`, 'useEma', (options) => trainer.evaluate(new Float32Array(2 * 768), targets, options)],
  ]),
  ['tfjs.createTfjsBackend.train', 'runningVar', (o) => tfBackend.train(stateOf(TINY_TRAIN), TINY_TRAIN, o)],
  ['ops.openOps', 'build', (options) => ops.openOps(options)],
  ['reference.config', 'num_classes', (options) => reference.config(options)],
  ['reference.variant', 'num_classes', (options) => reference.variant('vanillanet_5', options)],
  ['reference.conv2d', 'padding', (options) => reference.conv2d(r.x, r.weight, null, options)],
  ['reference.conv2dBackward', 'padding', (options) => reference.conv2dBackward(r.x, r.x, r.weight, options)],
  ['reference.depthwiseConv2d', 'stride', (options) => reference.depthwiseConv2d(r.x, r.depthwise, null, options)],
  [
    'reference.depthwiseConv2dBackward',
    'stride',
    (options) => reference.depthwiseConv2dBackward(r.x, r.x, r.depthwise, options),
  ],
  ['reference.batchNorm', 'training', (options) => reference.batchNorm(r.x, norm, options)],
  ['reference.seriesActivation', 'momentum', (options) => reference.seriesActivation(r.x, r.depthwise, norm, options)],
  ['reference.maxPool2d', 'kernelSize', (options) => reference.maxPool2d(r.x, options)],
  ['reference.maxPool2dBackward', 'kernelSize', (options) => reference.maxPool2dBackward(r.x, r.x, options)],
  ['reference.adam', 'weightDecay', (options) => reference.adam(r.vector, r.vector, moments, 1, options)],
  ['reference.lamb', 'weightDecay', (options) => reference.lamb(r.vector, r.vector, moments, 1, 1, options)],
  ['reference.sgd', 'momentum', (options) => reference.sgd(r.vector, r.vector, r.vector, options)],
  ['reference.cosineAnnealing', 'baseLr', (options) => reference.cosineAnnealing(0, options)],
  ['reference.lambdaSchedule', 'decayEpochs', (options) => reference.lambdaSchedule(0, options)],
  ['reference.initialize', 'truncation', (options) => reference.initialize(r.config, options)],
  ['reference.forward', 'lambda', (options) => reference.forward(r.config, state, r.x, options)],
  ['reference.accumulate', 'runningVar', (o) => reference.accumulate(r.config, state, r.x, r.x, o)],
  [
    'reference.trainStep',
    'smoothing',
    (o) => reference.trainStep(r.config, { state, moments: new Map(), step: 0 }, r.x, [0], o),
  ],
  ['reference.fuse', 'boundedLogits', (options) => reference.fuse(r.config, state, options)],
  ['reference.deviation', 'underflow', (o) => reference.deviation(step, r.x, r.config, state, 1, o)],
  ['reference.truncatedNormal', 'std', (options) => reference.truncatedNormal([2], 1, 0, options)],
];

/** Exchanges the first two letters that differ. */
function misspelling(key: string): string {
  const at = Array.from(key).findIndex((letter, i) => i > 0 && letter !== key[i + 1]);
  return key.slice(0, at) + key[at + 1] + key[at] + key.slice(at + 2);
}

test.each(CALLS)('%s refuses an unknown option that is nearest to %s', async (_, key, call) => {
  const options = { [misspelling(key)]: 1 } as never;
  const error: unknown = await Promise.resolve()
    .then(() => call(options))
    .then(
      () => 'no error',
      (reason: unknown) => reason,
    );
  expect(error).toMatchObject({ name: 'ParamError', hint: `Did you mean ${key}?` });
});

/** Public functions without options, or with a configuration that they read in part. */
const WITHOUT_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  core: [
    ...['centerCrop', 'checkState', 'decodeSafetensors', 'fitOptions', 'imageFormat', 'imageInfo', 'normalize'],
    ...['orient', 'preprocessOptions', 'readConfig', 'resize', 'streamOf', 'topK', 'writeConfig'],
  ],
  index: [],
  node: [
    ...['checkDataset', 'classCounts', 'evenlySpaced', 'findCifar10', 'findData', 'imbalance', 'isStreamed'],
    ...['loadSubset', 'prepareInputs', 'readCifar10', 'readCifar100', 'subset', 'verifyFused'],
  ],
  ops: [],
  tfjs: ['createTfjsBackend', 'describeEngine', 'deviceOf'],
  train: ['drawShapes', 'fuseState'],
  reference: [
    ...['adaptiveMaxPool2d', 'adaptiveMaxPool2dBackward', 'batchNormBackward', 'bceWithLogits', 'block'],
    ...['bceWithLogitsBackward', 'crossEntropy', 'crossEntropyBackward', 'dropPath', 'dropPathBackward', 'dropout'],
    ...['dropoutBackward', 'dropoutMask', 'ema', 'float32Bound', 'gamma', 'globalAvgPool', 'globalAvgPoolBackward'],
    ...['labelSmoothingCrossEntropy', 'labelSmoothingCrossEntropyBackward', 'lambDivisor', 'layerScale', 'leakyRelu'],
    ...['leakyReluBackward', 'logSoftmax', 'logSoftmaxBackward', 'normalCdf', 'normalQuantile', 'philox4x32'],
    ...['seriesActivationBackward', 'softmax', 'softmaxBackward', 'startTraining', 'tensor', 'toFloat32'],
    ...['truncatedNormalQuantile', 'uniform', 'valuesOf', 'vanillaNet', 'zeros'],
  ],
};

describe('every public function is in one of the lists', () => {
  const called = CALLS.map(([name]) => name);
  test.each(Object.entries({ core, node, ops, tfjs, train, reference }))('%s', (entry, exports) => {
    const missing = functionsOf(exports).filter(
      (name) => !called.includes(`${entry}.${name}`) && !WITHOUT_OPTIONS[entry].includes(name),
    );
    expect(missing).toEqual([]);
  });
});

/** Every public function answers wrong arguments with a typed error, whose message says what they are. */
import { expect, test } from '@jest/globals';
import * as tfCore from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as reference from '../../reference/index.js';
import * as core from '../../src/entries/core.js';
import * as index from '../../src/entries/index.js';
import * as node from '../../src/entries/node.js';
import * as ops from '../../src/entries/ops.js';
import * as tfjs from '../../src/entries/tfjs.js';
import * as train from '../../src/entries/train.js';
import { functionsOf } from '../fuzz/entry.js';
import { TINY_TRAIN, WEIGHT_FILES } from '../fuzz/fixtures.js';

type AnyFunction = (...values: unknown[]) => unknown;
type Functions = Readonly<Record<string, AnyFunction>>;

const VALUES: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => ({}),
  () => [],
  () => 1,
  () => NaN,
  () => '',
  () => 'abc',
  () => 10n,
  () => true,
  () => Symbol('symbol'),
  () => () => 1,
  () => Promise.resolve(1),
  () => new Map(),
  () => new Float32Array(3),
  () => new Uint8Array(3),
  () => new DataView(new ArrayBuffer(3)),
];

/** One argument, and three equal ones. */
const ARGUMENTS: readonly (() => unknown[])[] = [
  () => [],
  ...VALUES.map((value) => () => [value()]),
  ...VALUES.map((value) => () => [value(), value(), value()]),
];

/** The classes of a module, as functions that call their constructors. */
function constructorsOf(module: object): Functions {
  const classes = Object.entries(module as Functions).filter(
    ([name, value]) => typeof value === 'function' && !functionsOf(module).includes(name),
  );
  return Object.fromEntries(
    classes.flatMap(([name, value]) => {
      const Class = value as unknown as new (...values: unknown[]) => unknown;
      const statics = Object.getOwnPropertyNames(value)
        .map((key) => [key, (value as unknown as Record<string, unknown>)[key]] as const)
        .filter((each): each is [string, AnyFunction] => typeof each[1] === 'function');
      return [
        [`new ${name}`, (...values: unknown[]) => new Class(...values)] as const,
        ...statics.map(([key, f]) => [`${name}.${key}`, f.bind(value)] as const),
      ];
    }),
  );
}

const exportsOf = (module: object): Functions => ({
  ...Object.fromEntries(functionsOf(module).map((name) => [name, (module as Functions)[name]])),
  ...constructorsOf(module),
});

/** The methods of an object. */
function methodsOf(object: object, names: readonly string[]): Functions {
  const methods = object as Functions;
  return Object.fromEntries(names.map((name) => [name, (...values) => methods[name](...values)]));
}

const TRAINER = ['step', 'evaluate'];
const options = { seed: 1, batchSize: 2 };
await tfCore.setBackend('cpu');
const tfBackend = tfjs.createTfjsBackend(tfCore);

const FUNCTIONS: Readonly<Record<string, Functions>> = {
  core: exportsOf(core),
  index: exportsOf(index),
  node: exportsOf(node),
  ops: exportsOf(ops),
  tfjs: exportsOf(tfjs),
  train: exportsOf(train),
  reference: exportsOf(reference),
  model: methodsOf(await index.loadModel(WEIGHT_FILES[0].slice()), ['forward', 'features', 'classify']),
  'session of wasmBackendFrom': methodsOf(index.wasmBackend, ['open']),
  'session of referenceBackend': methodsOf(node.referenceBackend, ['open']),
  'backend of createTfjsBackend': methodsOf(tfBackend, ['open', 'train']),
  kernels: methodsOf(await ops.openOps(), [
    ...['conv2d', 'depthwiseConv2d', 'leakyRelu', 'maxPool2d', 'adaptiveMaxPool2d', 'globalAvgPool'],
  ]),
  wasmTrainer: methodsOf(await train.wasmTrainer(TINY_TRAIN, options), TRAINER),
  oracleTrainer: methodsOf(train.oracleTrainer(TINY_TRAIN, options), TRAINER),
  tfjsTrainer: methodsOf(await train.tfjsTrainer(tfBackend, TINY_TRAIN, options), TRAINER),
};

/** What is wrong with the error of a call; null for a typed error, and for a call that takes its arguments. */
async function faultOf(call: () => unknown): Promise<string | null> {
  try {
    const result = await call();
    // A training computes nothing before its first step.
    if (Object.prototype.toString.call(result) === '[object AsyncGenerator]') {
      await (result as AsyncGenerator).next();
    }
    return null;
  } catch (error) {
    const { name, message, op, expected, got } = error as Error & Readonly<Record<string, unknown>>;
    if (![op, expected, got].every((field) => typeof field === 'string')) return `${name}: ${message}`;
    return /\[object|^undefined|undefined:|expected (undefined|null)/.test(message) ? message : null;
  }
}

const CASES = Object.entries(FUNCTIONS).flatMap(([group, functions]) =>
  Object.entries(functions).map(([name, f]) => [`${group}: ${name}`, f] as const),
);

test.each(CASES)('%s', async (_, f) => {
  const faults: string[] = [];
  for (const values of ARGUMENTS) {
    const fault = await faultOf(() => f(...values()));
    if (fault !== null) faults.push(fault);
  }
  expect(faults).toEqual([]);
});

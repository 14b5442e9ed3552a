/** The engine runs every layer of the deploy form: planning fails for a layer that it does not know. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig } from '../../../src/core/config.js';
import { chain, planModules, type Layer, type PlannedModule } from '../../../src/core/network.js';
import { unreachable } from '../../../src/core/unreachable.js';
import { runOp, type OpCall } from '../../../src/wasm/ops/opCall.js';
import { splitNetwork } from '../../../src/wasm/inference/stages.js';

const config = resolveConfig({
  dims: [4, 6, 8, 8],
  strides: [2, 1, 2],
  ada_pool: [3, 0, 0],
  num_classes: 5,
  form: 'deploy',
});
const modules = planModules(config, [48, 48]);

/** The modules with the layers of one module replaced. */
const replaceLayers = (index: number, layers: readonly Layer[]): PlannedModule[] =>
  modules.map((module, i) => (i === index ? { ...module, layers } : module));

test('names every convolution, pool and activation of the network', () => {
  const { stages, head } = splitNetwork(modules);
  const named = stages.flatMap(({ conv, pool, act }) => [conv, ...(pool === undefined ? [] : [pool]), act]);
  const names = [...named.map(({ name }) => name), head.features, head.conv];
  const layers = modules.flatMap((module) => module.layers);
  const others = layers.filter(({ name }) => !names.includes(name)).map(({ op }) => op);
  // ReLU is part of the kernel of a stage, and dropout is the identity.
  expect(others).toEqual([...stages.map(() => 'leakyRelu'), 'dropout']);
});

test('has the module names of the network', () => {
  const { stages, head } = splitNetwork(modules);
  expect([...stages.map(({ name }) => name), head.features, head.logits]).toEqual(
    chain(config).map(({ name }) => name),
  );
});

describe.each(modules.map(({ name }, i) => [name, i] as const))('%s', (name, index) => {
  const { layers } = modules[index];
  test('with an unknown layer in any place is an error that names it', () => {
    const unknown = { ...layers[0], name: 'unknown', op: 'gelu' } as unknown as Layer;
    for (let at = 0; at <= layers.length; at++) {
      const changed = replaceLayers(index, layers.toSpliced(at, 0, unknown));
      expect(() => splitNetwork(changed)).toThrow(new RegExp(`^internal error: ${name}: .*, got gelu unknown$`));
    }
  });

  test('without one of its layers is an error, but for the pool', () => {
    layers.forEach(({ op }, at) => {
      const changed = replaceLayers(index, layers.toSpliced(at, 1));
      const split = expect(() => splitNetwork(changed));
      if (op === 'maxPool2d' || op === 'adaptiveMaxPool2d') split.not.toThrow();
      else split.toThrow(`internal error: ${name}: expected ${op}`);
    });
  });
});

test('an op without a kernel is an error that names it', () => {
  const call = { op: 'gelu', input: [1, 2, 2], output: [1, 2, 2] } as unknown as OpCall;
  const blocks = { y: 0, x: 0, weight: 0, bias: 0, scratch: 0 };
  expect(() => {
    runOp({} as Parameters<typeof runOp>[0], call, blocks);
  }).toThrow('gelu');
  expect(() => unreachable({ op: 'gelu' } as never)).toThrow('internal error: no case for {"op":"gelu"}');
});

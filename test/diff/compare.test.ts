/** Comparisons name the wrong layer, and no other. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { ShapeError, WeightsError } from '../../src/core/errors.js';
import { planNetwork } from '../../src/core/network.js';
import type { StateDict, Tensor } from '../../src/core/tensor.js';
import { compare, holds } from '../../src/diff/compare.js';
import type { Comparison, Verdict } from '../../src/diff/comparison.js';
import { outputsOfDump } from '../../src/diff/dump.js';
import { ReferenceLayers } from '../../src/diff/referenceLayers.js';
import { roundingOf } from '../../src/diff/rounding.js';
import { assignOutputs } from '../../src/diff/layerOutputs.js';
import { recordOutputs } from '../../src/diff/recordOutputs.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { createWasmBackend } from '../../src/wasm/inference/backend.js';
import { refusal } from '../io/refusal.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';
import { BUILDS } from '../wasm/builds.js';
import { drawState, NARROW } from '../wasm/networks.js';
import { changed, randomDump } from './randomDump.js';

const deploy = drawnConfig('deploy');
const train = drawnConfig('train', { lambda: 0.25 });

/** The verdict on a dump of the network. */
function verdictOn(dump: ReadonlyMap<string, Tensor>, state: StateDict, config: ModelConfig, x: Tensor): Verdict {
  const outputs = outputsOfDump({ file: 'dump', tensors: dump }, config, x);
  return compare(state, config, x, [{ name: 'dump', ...outputs }]).verdicts[0];
}

const outside = ({ layers }: Verdict): string[] => layers.filter((l) => l.outside > 0).map(({ layer }) => layer);

describe.each(BUILDS)('%s', (build) => {
  test.each(NARROW.filter(({ label }) => !/deeper|thousand|wide/.test(label)).map((row) => [row.label, row] as const))(
    'is within the bound of every module: %s',
    async (_, { sizes }) => {
      const config = resolveConfig({ ...sizes, form: 'deploy' });
      const [state, x] = [drawState(config), drawnImages(config, 2)];
      const outputs = await recordOutputs(createWasmBackend({ build }), state, config, x);
      const { verdicts } = compare(state, config, x, [{ name: 'wasm', ...outputs }]);
      const stages = sizes.strides.map((_stride, i) => `stages.${i}.act`);
      expect(verdicts[0].layers.map(({ layer }) => layer)).toEqual(['stem.1', ...stages, 'cls.0', 'cls.2']);
      expect(outside(verdicts[0])).toEqual([]);
      // There is an error of float32, and the bound is not much larger.
      expect(verdicts[0].worst?.worst.ratio).toBeGreaterThan(0.001);
    },
  );
});

describe.each([deploy, train])('the $form form', (config) => {
  const [state, x] = [drawnState(config), drawnImages(config, 2)];
  const plan = planNetwork(config, config.input_size);

  test('the reference equals itself, bit for bit', async () => {
    const outputs = await recordOutputs(referenceBackend, state, config, x);
    const candidate = { name: 'reference', ...outputs };
    const comparison: Comparison = compare(state, config, x, [candidate, { ...candidate, name: 'again' }]);
    const [, again] = comparison.verdicts;
    expect(again.layers.map(({ layer }) => layer)).toEqual(plan.map(({ name }) => name));
    expect(again.layers.every(({ local, worst }) => local.maxAbs === 0 && worst.ratio === 0)).toBe(true);
    expect(again.layers.every(({ global }) => global?.ulps === 0)).toBe(true);
    expect([again.worst, again.heatMap, again.missing, again.unknown]).toEqual([null, null, [], []]);
    expect(holds(comparison)).toBe(true);
  });

  test('accepts a correct dump', async () => {
    const verdict = verdictOn(await randomDump(state, config, x), state, config, x);
    expect(verdict.missing).toEqual([]);
    expect(outside(verdict)).toEqual([]);
  });

  // A weight, and the first module whose output shows it: in the train form, a depthwise convolution shows after its
  // norm.
  const weights = plan
    .filter(({ op }) => op === 'conv2d' || op === 'depthwiseConv2d')
    .map(({ name, op }) => [name, op === 'depthwiseConv2d' && config.form === 'train' ? `${name}.bn` : name] as const);
  test.each(weights)('finds a wrong weight in %s at %s, and only there', async (name, seen) => {
    const broken = changed(state, `${name}.weight`, (v, i) => (i === 13 ? v + 1e-3 : v));
    const verdict = verdictOn(await randomDump(broken, config, x), state, config, x);
    expect([verdict.first, outside(verdict)]).toEqual([seen, [seen]]);
    expect(verdict.heatMap?.layer).toBe(seen);
  });
});

test('finds a transposed kernel', async () => {
  const [state, x] = [drawnState(deploy), drawnImages(deploy, 1)];
  const kernel = state.get('stages.0.act.weight')?.data ?? new Float32Array();
  const broken = changed(
    state,
    'stages.0.act.weight',
    (_, i) => kernel[i - (i % 9) + (i % 3) * 3 + Math.floor((i % 9) / 3)],
  );
  const verdict = verdictOn(await randomDump(broken, deploy, x), state, deploy, x);
  expect(outside(verdict)).toEqual(['stages.0.act']);
});

test('finds a norm without ε', async () => {
  const [drawn, x] = [drawnState(train), drawnImages(train, 1)];
  // With a variance of at most 0.01, ε is larger than the rounding of float32.
  const state = changed(drawn, 'stages.1.conv2.1.running_var', (v) => v / 100);
  const broken = changed(state, 'stages.1.conv2.1.running_var', (v) => v - 1e-6);
  const verdict = verdictOn(await randomDump(broken, train, x), state, train, x);
  expect(outside(verdict)).toEqual(['stages.1.conv2.1']);
});

test('finds another λ at the layer after each activation', async () => {
  const [state, x] = [drawnState(train), drawnImages(train, 1)];
  const verdict = verdictOn(await randomDump(state, { ...train, lambda: 0.26 }, x), state, train, x);
  expect(outside(verdict)).toEqual(['stem2.0', 'stages.0.conv2.0', 'stages.1.conv2.0', 'cls2.0']);
});

test('judges backends that round as shaders do by their own bound', async () => {
  const [state, x] = [drawnState(deploy), drawnImages(deploy, 1)];
  const outputs = await recordOutputs(referenceBackend, state, deploy, x);
  const { exact, bound } = new ReferenceLayers(state, deploy).run(0, 0, x);
  const [first, ...others] = outputs.outputs;
  const off = { ...first, tensor: { ...first.tensor, data: exact.map((v, i) => v + 1.5 * bound[i]) } };
  const judged = (backend: string): Verdict => {
    const candidate = { ...outputs, name: backend, outputs: [off, ...others], rounding: roundingOf(backend) };
    return compare(state, deploy, x, [candidate]).verdicts[0];
  };
  for (const backend of ['tfjs:webgpu', 'tfjs:webgl']) expect(outside(judged(backend))).not.toContain('stem.0');
  for (const backend of ['tfjs:cpu', 'tfjs:tfjs-node', 'wasm']) expect(outside(judged(backend))).toContain('stem.0');
});

test('lets libtensorflow flush subnormal numbers to zero', () => {
  expect(roundingOf('tfjs:tfjs-node')).toEqual({ ...roundingOf('wasm'), underflow: 2 ** -125, flush: 2 ** -125 });
  expect(roundingOf('tfjs:tfjs-node-gpu')).toEqual(roundingOf('tfjs:tfjs-node'));
});

describe('a dump', () => {
  const [state, x] = [drawnState(deploy), drawnImages(deploy, 2)];

  test('without the output of a module is judged across it, and lists it', async () => {
    const dump = await randomDump(
      changed(state, 'stages.0.conv.weight', (v) => v + 1e-3),
      deploy,
      x,
    );
    for (const name of ['stages.0.conv', 'stages.0.pool', 'cls.2']) dump.delete(name);
    const verdict = verdictOn(dump, state, deploy, x);
    expect(verdict.missing).toEqual(['stages.0.conv', 'stages.0.pool', 'cls.2']);
    expect(verdict.layers.find(({ layer }) => layer === 'stages.0.act')?.from).toBe('stem.1');
    expect(outside(verdict)).toEqual(['stages.0.act']);
  });

  test('with NaN is wrong at the first layer that has it, and not at later ones', async () => {
    const dump = await randomDump(state, deploy, x);
    for (const name of ['stages.0.act', 'stages.1.conv', 'stages.1.act', 'cls.0', 'cls.1', 'cls.2']) {
      dump.get(name)?.data.fill(NaN);
    }
    const verdict = verdictOn(dump, state, deploy, x);
    expect(outside(verdict)).toEqual(['stages.0.act']);
    expect(verdict.layers[4]).toMatchObject({ layer: 'stages.0.act', outside: 2 * 6 * 2 * 2 });
    expect(verdict.layers[4].worst.ratio).toBe(Infinity);
    expect(verdict.layers[5].unjudged).toBe(2 * 8 * 2 * 2);
  });

  test('may have outputs of a Sequential and of its modules: the output that is passed on counts', async () => {
    const dump = await randomDump(state, deploy, x);
    const [act, logits] = [dump.get('stages.1.act'), dump.get('cls.2')];
    if (act === undefined || logits === undefined) throw new Error('not dumped');
    dump.set('stages.1', { ...act, data: act.data.map((v) => v + 1) });
    dump
      .set('logits', { data: logits.data, shape: [2, 5] })
      .set('stages.7', act)
      .set('loss', act);
    const verdict = verdictOn(dump, state, deploy, x);
    expect(outside(verdict)).toEqual(['stages.1.act', 'cls.0']);
    expect(verdict.unknown).toEqual(['stages.7', 'loss']);
  });

  const refused = async (change: (dump: Map<string, Tensor>) => unknown): Promise<() => Verdict> => {
    const dump = await randomDump(state, deploy, x);
    change(dump);
    return () => verdictOn(dump, state, deploy, x);
  };

  test('is refused if a shape is wrong', async () => {
    const wrong = { data: new Float32Array(2 * 4 * 5 * 4), shape: [2, 4, 5, 4] };
    expect(await refused((dump) => dump.set('stem.0', wrong))).toThrow(
      refusal(ShapeError, 'dump: stem.0', '[2,4,4,5]', '[2,4,5,4]'),
    );
  });

  test('is refused without input, or with another input', async () => {
    const other = { ...x, data: x.data.map((v, i) => (i === 7 ? v + 1e-6 : v)) };
    const one = { data: x.data.subarray(x.data.length / 2), shape: [1, ...x.shape.slice(1)] };
    expect(await refused((d) => d.delete('input'))).toThrow(
      refusal(WeightsError, 'dump', 'a tensor input', 'no such tensor'),
    );
    expect(await refused((d) => d.set('input', other))).toThrow(
      refusal(WeightsError, 'dump: input', 'at element 7', ''),
    );
    expect(await refused((d) => d.set('input', one))).toThrow(refusal(ShapeError, 'dump: input', '[2,3,', '[1,3,'));
  });

  test('is refused if it is of another network', async () => {
    const foreign = (dump: Map<string, Tensor>): void => {
      for (const name of dump.keys()) if (name !== 'input') dump.delete(name);
      dump.set('layer1.0', x);
    };
    expect(await refused(foreign)).toThrow(
      refusal(WeightsError, 'dump', "the deploy form's modules (stem.0, stem.1, stages.0.conv, …)", 'layer1.0'),
    );
  });
});

test('names of layers differ from names of modules', () => {
  const plan = planNetwork(train, train.input_size);
  const map = { data: new Float32Array(6 * 4), shape: [1, 6, 2, 2] };
  const seen = (by: 'layers' | 'modules', name: string): string[] =>
    assignOutputs(new Map([[name, map]]), plan, 1, by, 'x').outputs.map(({ layer }) => plan[layer].name);
  expect(seen('layers', 'stages.0.act')).toEqual(['stages.0.act']);
  expect(seen('modules', 'stages.0.act')).toEqual(['stages.0.act.bn']);
  expect(seen('modules', 'stages.0')).toEqual(['stages.0.act.bn']);
  const wide = { data: new Float32Array(4 * 20), shape: [1, 4, 4, 5] };
  const both = assignOutputs(new Map([['stages.0.conv1', wide]]), plan, 1, 'modules', 'x').outputs;
  expect(both.map(({ layer }) => plan[layer].name)).toEqual(['stages.0.conv1.1']);
});

test('the bound includes the rounding of the input to float32', () => {
  const reference = new ReferenceLayers(drawnState(deploy), deploy);
  const values = Float64Array.from({ length: 80 }, (_, i) => (i + 1) / 3);
  // The ReLU of the stem rounds nothing but its input.
  const { exact, bound } = reference.run(1, 1, { data: values, shape: [1, 4, 4, 5] });
  expect(exact).toEqual(values);
  expect(bound).toEqual(values.map((v) => Math.abs(v - Math.fround(v))));
  expect(Math.max(...bound)).toBeGreaterThan(0);
});

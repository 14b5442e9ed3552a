/** Who is wrong is named, and nobody else. */
import { describe, expect, test } from '@jest/globals';
import { resolveConfig, type ModelConfig } from '../../src/core/config.js';
import { ShapeError, WeightsError } from '../../src/core/errors.js';
import { planNetwork } from '../../src/core/network.js';
import type { StateDict, Tensor } from '../../src/core/tensor.js';
import { compare, holds } from '../../src/diff/compare.js';
import type { Comparison, Verdict } from '../../src/diff/comparison.js';
import { viewsOfDump } from '../../src/diff/dump.js';
import { Oracle } from '../../src/diff/oracle.js';
import { roundingOf } from '../../src/diff/rounding.js';
import { viewsOf } from '../../src/diff/views.js';
import { watch } from '../../src/diff/watch.js';
import { referenceBackend } from '../../src/oracle/backend.js';
import { createWasmBackend } from '../../src/wasm/inference/backend.js';
import { refusal } from '../io/refusal.js';
import { drawnConfig, drawnImages, drawnState } from '../model/drawnNetwork.js';
import { BUILDS } from '../wasm/builds.js';
import { drawState, NARROW } from '../wasm/networks.js';
import { changed, drawnDump } from './drawnDump.js';

const deploy = drawnConfig('deploy');
const train = drawnConfig('train', { lambda: 0.25 });

/** A dump held against the network that it should be of. */
function verdictOn(dump: ReadonlyMap<string, Tensor>, state: StateDict, config: ModelConfig, x: Tensor): Verdict {
  const views = viewsOfDump({ file: 'dump', tensors: dump }, config, x);
  return compare(state, config, x, [{ name: 'dump', ...views }]).verdicts[0];
}

const outside = ({ layers }: Verdict): string[] => layers.filter((l) => l.outside > 0).map(({ layer }) => layer);

describe.each(BUILDS)('%s', (build) => {
  test.each(NARROW.filter(({ label }) => !/deeper|thousand|wide/.test(label)).map((row) => [row.label, row] as const))(
    'keeps to the bound from module to module: %s',
    async (_, { sizes }) => {
      const config = resolveConfig({ ...sizes, form: 'deploy' });
      const [state, x] = [drawState(config), drawnImages(config, 2)];
      const views = await watch(createWasmBackend({ build }), state, config, x);
      const { verdicts } = compare(state, config, x, [{ name: 'wasm', ...views }]);
      const stages = sizes.strides.map((_stride, i) => `stages.${i}.act`);
      expect(verdicts[0].layers.map(({ layer }) => layer)).toEqual(['stem.1', ...stages, 'cls.0', 'cls.2']);
      expect(outside(verdicts[0])).toEqual([]);
      // It was float32 that was looked at, and a bound that says something.
      expect(verdicts[0].worst?.worst.ratio).toBeGreaterThan(0.001);
    },
  );
});

describe.each([deploy, train])('the $form form', (config) => {
  const [state, x] = [drawnState(config), drawnImages(config, 2)];
  const plan = planNetwork(config, config.input_size);

  test('the reference is what it is held against, to the last bit', async () => {
    const views = await watch(referenceBackend, state, config, x);
    const candidate = { name: 'reference', ...views };
    const comparison: Comparison = compare(state, config, x, [candidate, { ...candidate, name: 'again' }]);
    const [, again] = comparison.verdicts;
    expect(again.layers.map(({ layer }) => layer)).toEqual(plan.map(({ name }) => name));
    expect(again.layers.every(({ local, worst }) => local.maxAbs === 0 && worst.ratio === 0)).toBe(true);
    expect(again.layers.every(({ global }) => global?.ulps === 0)).toBe(true);
    expect([again.worst, again.heatMap, again.missing, again.unknown]).toEqual([null, null, [], []]);
    expect(holds(comparison)).toBe(true);
  });

  test('a sound dump is sound', async () => {
    const verdict = verdictOn(await drawnDump(state, config, x), state, config, x);
    expect(verdict.missing).toEqual([]);
    expect(outside(verdict)).toEqual([]);
  });

  // The layer that each weight is of, and what of it is seen: the depthwise convolution of the train form is seen after its norm.
  const weights = plan
    .filter(({ op }) => op === 'conv2d' || op === 'depthwiseConv2d')
    .map(({ name, op }) => [name, op === 'depthwiseConv2d' && config.form === 'train' ? `${name}.bn` : name] as const);
  test.each(weights)('one weight of %s is named at %s, and only there', async (name, seen) => {
    const broken = changed(state, `${name}.weight`, (v, i) => (i === 13 ? v + 1e-3 : v));
    const verdict = verdictOn(await drawnDump(broken, config, x), state, config, x);
    expect([verdict.first, outside(verdict)]).toEqual([seen, [seen]]);
    expect(verdict.heatMap?.layer).toBe(seen);
  });
});

test('a kernel on its side is named', async () => {
  const [state, x] = [drawnState(deploy), drawnImages(deploy, 1)];
  const kernel = state.get('stages.0.act.weight')?.data ?? new Float32Array();
  const broken = changed(
    state,
    'stages.0.act.weight',
    (_, i) => kernel[i - (i % 9) + (i % 3) * 3 + Math.floor((i % 9) / 3)],
  );
  const verdict = verdictOn(await drawnDump(broken, deploy, x), state, deploy, x);
  expect(outside(verdict)).toEqual(['stages.0.act']);
});

test('a norm without its ε is named', async () => {
  const [drawn, x] = [drawnState(train), drawnImages(train, 1)];
  // Where the variance is no more than a hundredth, ε is more than float32 rounds.
  const state = changed(drawn, 'stages.1.conv2.1.running_var', (v) => v / 100);
  const broken = changed(state, 'stages.1.conv2.1.running_var', (v) => v - 1e-6);
  const verdict = verdictOn(await drawnDump(broken, train, x), state, train, x);
  expect(outside(verdict)).toEqual(['stages.1.conv2.1']);
});

test('another λ is named at the layer behind each activation', async () => {
  const [state, x] = [drawnState(train), drawnImages(train, 1)];
  const verdict = verdictOn(await drawnDump(state, { ...train, lambda: 0.26 }, x), state, train, x);
  expect(outside(verdict)).toEqual(['stem2.0', 'stages.0.conv2.0', 'stages.1.conv2.0', 'cls2.0']);
});

test('who rounds as shaders do is held to a bound of their own', async () => {
  const [state, x] = [drawnState(deploy), drawnImages(deploy, 1)];
  const views = await watch(referenceBackend, state, deploy, x);
  const { exact, bound } = new Oracle(state, deploy).run(0, 0, x);
  const [first, ...others] = views.views;
  const off = { ...first, tensor: { ...first.tensor, data: exact.map((v, i) => v + 1.5 * bound[i]) } };
  const judged = (backend: string): Verdict => {
    const candidate = { ...views, name: backend, views: [off, ...others], rounding: roundingOf(backend) };
    return compare(state, deploy, x, [candidate]).verdicts[0];
  };
  for (const backend of ['tfjs:webgpu', 'tfjs:webgl']) expect(outside(judged(backend))).not.toContain('stem.0');
  for (const backend of ['tfjs:cpu', 'tfjs:tfjs-node', 'wasm']) expect(outside(judged(backend))).toContain('stem.0');
});

test('libtensorflow may take what is below the smallest normal number for zero', () => {
  expect(roundingOf('tfjs:tfjs-node')).toEqual({ ...roundingOf('wasm'), underflow: 2 ** -125, flush: 2 ** -125 });
  expect(roundingOf('tfjs:tfjs-node-gpu')).toEqual(roundingOf('tfjs:tfjs-node'));
});

describe('a dump', () => {
  const [state, x] = [drawnState(deploy), drawnImages(deploy, 2)];

  test('without a module is judged across it, and says so', async () => {
    const dump = await drawnDump(
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

  test('of no number is named where the first of them is, and not where they come through', async () => {
    const dump = await drawnDump(state, deploy, x);
    for (const name of ['stages.0.act', 'stages.1.conv', 'stages.1.act', 'cls.0', 'cls.1', 'cls.2']) {
      dump.get(name)?.data.fill(NaN);
    }
    const verdict = verdictOn(dump, state, deploy, x);
    expect(outside(verdict)).toEqual(['stages.0.act']);
    expect(verdict.layers[4]).toMatchObject({ layer: 'stages.0.act', outside: 2 * 6 * 2 * 2 });
    expect(verdict.layers[4].worst.ratio).toBe(Infinity);
    expect(verdict.layers[5].unjudged).toBe(2 * 8 * 2 * 2);
  });

  test('may hold Sequentials beside what is in them: what is passed on counts', async () => {
    const dump = await drawnDump(state, deploy, x);
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
    const dump = await drawnDump(state, deploy, x);
    change(dump);
    return () => verdictOn(dump, state, deploy, x);
  };

  test('is refused where a shape is wrong', async () => {
    const wrong = { data: new Float32Array(2 * 4 * 5 * 4), shape: [2, 4, 5, 4] };
    expect(await refused((dump) => dump.set('stem.0', wrong))).toThrow(
      refusal(ShapeError, 'dump: stem.0', '[2,4,4,5]', '[2,4,5,4]'),
    );
  });

  test('is refused without its input, or of another', async () => {
    const other = { ...x, data: x.data.map((v, i) => (i === 7 ? v + 1e-6 : v)) };
    const one = { data: x.data.subarray(x.data.length / 2), shape: [1, ...x.shape.slice(1)] };
    expect(await refused((d) => d.delete('input'))).toThrow(refusal(WeightsError, 'dump', 'a tensor input', 'none'));
    expect(await refused((d) => d.set('input', other))).toThrow(
      refusal(WeightsError, 'dump: input', 'at element 7', ''),
    );
    expect(await refused((d) => d.set('input', one))).toThrow(refusal(ShapeError, 'dump: input', '[2,3,', '[1,3,'));
  });

  test('is refused where it is of another network', async () => {
    const foreign = (dump: Map<string, Tensor>): void => {
      for (const name of dump.keys()) if (name !== 'input') dump.delete(name);
      dump.set('layer1.0', x);
    };
    expect(await refused(foreign)).toThrow(
      refusal(WeightsError, 'dump', "the deploy form's modules (stem.0, stem.1, stages.0.conv, …)", 'layer1.0'),
    );
  });
});

test('names of layers are not those of modules', () => {
  const plan = planNetwork(train, train.input_size);
  const map = { data: new Float32Array(6 * 4), shape: [1, 6, 2, 2] };
  const seen = (by: 'layers' | 'modules', name: string): string[] =>
    viewsOf(new Map([[name, map]]), plan, 1, by, 'x').views.map(({ layer }) => plan[layer].name);
  expect(seen('layers', 'stages.0.act')).toEqual(['stages.0.act']);
  expect(seen('modules', 'stages.0.act')).toEqual(['stages.0.act.bn']);
  expect(seen('modules', 'stages.0')).toEqual(['stages.0.act.bn']);
  const wide = { data: new Float32Array(4 * 20), shape: [1, 4, 4, 5] };
  const both = viewsOf(new Map([['stages.0.conv1', wide]]), plan, 1, 'modules', 'x').views;
  expect(both.map(({ layer }) => plan[layer].name)).toEqual(['stages.0.conv1.1']);
});

test('an input that float32 has still to round may be off by that, and no more', () => {
  const oracle = new Oracle(drawnState(deploy), deploy);
  const values = Float64Array.from({ length: 80 }, (_, i) => (i + 1) / 3);
  // The ReLU of the stem: nothing is rounded but what comes in.
  const { exact, bound } = oracle.run(1, 1, { data: values, shape: [1, 4, 4, 5] });
  expect(exact).toEqual(values);
  expect(bound).toEqual(values.map((v) => Math.abs(v - Math.fround(v))));
  expect(Math.max(...bound)).toBeGreaterThan(0);
});

/**
 * Compares every layer of a network on an engine with the reference, forward and backward. The reference gets the float32
 * inputs that the layer had on the engine.
 */
import { planNetwork } from '../../../src/core/network.js';
import type { Tensor } from '../../../src/core/tensor.js';
import type { Maps, TfTensor } from '../../../src/tfjs/tf.js';
import { drawState } from '../../wasm/networks.js';
import { vanishing } from '../../judges/training/vanishing.js';
import type { EngineUnderTest } from './engine.js';
import { maskFor } from '../../judges/training/mask.js';
import { imagesFor } from './inputs.js';
import { judgeLayer } from '../../judges/training/layerJudge.js';
import type { Network } from './networks.js';
import { read, readMaps, readParameter } from './read.js';
import { moveTiesToFirst } from './ties.js';
import { rowOf, type Comparison, type Row } from './row.js';

/** The outputs of a layer on the engine, to be disposed of. */
interface LayerOutputs {
  readonly y: TfTensor;
  readonly buffers: Readonly<Record<string, TfTensor>>;
  dy: TfTensor | null;
  dx: TfTensor | null;
  grads: Readonly<Record<string, TfTensor>>;
}

const SEED = 5;

/** @param backward whether the engine has the kernels of the backward pass */
export async function layerRows(
  { tf, parts, arithmetic, ties }: EngineUnderTest,
  network: Network,
  lambda: number,
  { training, backward }: { readonly training: boolean; readonly backward: boolean },
): Promise<Row[]> {
  const { config, n } = network;
  const plan = planNetwork(config, config.input_size);
  const state = drawState(config);
  const images = imagesFor(network);
  const mask = training ? maskFor(config, n, SEED, 0) : null;
  const uploaded = parts.weights.uploadState(tf, state);
  const outputs: LayerOutputs[] = [];
  // A copy, because a layer may return its input.
  const keep = (x: TfTensor): TfTensor => tf.keep(tf.add(x, 0));
  tf.tidy(() => {
    const x = parts.network.imagesOf(tf, images.data, [n, config.in_chans, ...config.input_size]);
    const engineMask: Maps | null =
      mask === null ? null : tf.tensor(Float32Array.from(mask.data), [n, 1, 1, mask.shape[1]], 'float32');
    const mode = { training, lambda: config.form === 'train' ? lambda : null, mask: engineMask };
    const { traces } = parts.network.forward(tf, plan, uploaded, x, mode);
    for (const { y, buffers = {} } of traces) {
      const bufferCopies = Object.fromEntries(Object.entries(buffers).map(([name, value]) => [name, keep(value)]));
      outputs.push({ y: keep(y), buffers: bufferCopies, dy: null, dx: null, grads: {} });
    }
    if (!backward) return;
    // Any gradient will do, if that of every class is nonzero.
    const shape = traces[traces.length - 1].y.shape;
    const values = Float32Array.from({ length: n * config.num_classes }, (_, i) => Math.sin(1 + 7 * i));
    let dy: Maps = tf.tensor(values, shape, 'float32');
    for (let i = traces.length - 1; i >= 0; i--) {
      const { dx, grads = {} } = traces[i].backward(dy);
      outputs[i].dy = keep(dy);
      outputs[i].dx = keep(dx);
      outputs[i].grads = Object.fromEntries(Object.entries(grads).map(([name, value]) => [name, keep(value)]));
      dy = dx;
    }
  });
  for (const tensor of uploaded.values()) tensor.dispose();

  const vanishingGrads = new Set(vanishing(config, lambda).map(({ bias }) => bias));
  const comparisons = new Map<string, Comparison[]>();
  const compare = (check: string, comparison: Comparison): void =>
    void comparisons.set(check, [...(comparisons.get(check) ?? []), comparison]);
  let x: Tensor = images;
  for (const [i, layer] of plan.entries()) {
    const { y, buffers, dy, dx, grads } = outputs[i];
    const verdict = judgeLayer(layer, state, x, { training, lambda, mask }, arithmetic);
    const out = await readMaps(y);
    compare(`${layer.op}${training ? '' : ' in eval'}`, { got: out.data, verdict: verdict.y, at: layer.name });
    for (const [name, expected] of verdict.buffers) {
      const { data } = await read(buffers[name]);
      compare(`${layer.op} statistics`, { got: data, verdict: expected, at: name });
    }
    if (dy !== null && dx !== null) {
      for (const [name, expected] of verdict.backward(await readMaps(dy))) {
        const tensor = name === 'dx' ? dx : grads[name];
        let got = name === 'dx' ? await readMaps(tensor) : await readParameter(tensor, layer.op === 'depthwiseConv2d');
        if (layer.op === 'maxPool2d' && ties === 'any') got = moveTiesToFirst(layer, x, got);
        const mayVanish = vanishingGrads.has(name);
        compare(`${layer.op} backward`, { got: got.data, verdict: expected, at: `${layer.name} ${name}`, mayVanish });
      }
    }
    x = out;
  }
  for (const { y, buffers, dy, dx, grads } of outputs) {
    for (const tensor of [y, dy, dx, ...Object.values(buffers), ...Object.values(grads)]) tensor?.dispose();
  }
  const label = config.form === 'train' ? `${network.label}, λ ${lambda}` : network.label;
  return [...comparisons].map(([check, all]) => rowOf(check, label, all));
}

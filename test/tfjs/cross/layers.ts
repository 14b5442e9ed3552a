/**
 * Every layer of a network on an engine, forward and backward, held against the oracle on
 * the float32 numbers that the engine itself gave it.
 */
import { planNetwork } from '../../../src/core/network.js';
import type { Tensor } from '../../../src/core/tensor.js';
import type { Maps, TfTensor } from '../../../src/tfjs/tf.js';
import { drawState } from '../../wasm/networks.js';
import { vanishing } from '../../judges/training/vanishing.js';
import type { EngineUnderTest } from './engine.js';
import { maskFor } from '../../judges/training/mask.js';
import { imagesFor } from './given.js';
import { judgeLayer } from '../../judges/training/layerJudge.js';
import type { Network } from './networks.js';
import { read, readMaps, readParameter } from './read.js';
import { toFirstOfEquals } from './ties.js';
import { rowOf, type Held, type Row } from './row.js';

/** What a layer gave: everything is kept, and to be disposed of. */
interface Ran {
  readonly y: TfTensor;
  readonly buffers: Readonly<Record<string, TfTensor>>;
  dy: TfTensor | null;
  dx: TfTensor | null;
  grads: Readonly<Record<string, TfTensor>>;
}

const SEED = 5;

/** @param backward whether the engine has the kernels of the way back */
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
  const ran: Ran[] = [];
  // A copy of one's own: a layer may answer with what it was given.
  const keep = (x: TfTensor): TfTensor => tf.keep(tf.add(x, 0));
  tf.tidy(() => {
    const x = parts.network.imagesOf(tf, images.data, [n, config.in_chans, ...config.input_size]);
    const onEngine: Maps | null =
      mask === null ? null : tf.tensor(Float32Array.from(mask.data), [n, 1, 1, mask.shape[1]], 'float32');
    const mode = { training, lambda: config.form === 'train' ? lambda : null, mask: onEngine };
    const { traces } = parts.network.forward(tf, plan, uploaded, x, mode);
    for (const { y, buffers = {} } of traces) {
      const kept = Object.fromEntries(Object.entries(buffers).map(([name, value]) => [name, keep(value)]));
      ran.push({ y: keep(y), buffers: kept, dy: null, dx: null, grads: {} });
    }
    if (!backward) return;
    // Any gradient will do: drawn, so that no class is without.
    const shape = traces[traces.length - 1].y.shape;
    const drawn = Float32Array.from({ length: n * config.num_classes }, (_, i) => Math.sin(1 + 7 * i));
    let dy: Maps = tf.tensor(drawn, shape, 'float32');
    for (let i = traces.length - 1; i >= 0; i--) {
      const { dx, grads = {} } = traces[i].backward(dy);
      ran[i].dy = keep(dy);
      ran[i].dx = keep(dx);
      ran[i].grads = Object.fromEntries(Object.entries(grads).map(([name, value]) => [name, keep(value)]));
      dy = dx;
    }
  });
  for (const tensor of uploaded.values()) tensor.dispose();

  const zero = new Set(vanishing(config, lambda).map(({ bias }) => bias));
  const ways = new Map<string, Held[]>();
  const hold = (check: string, held: Held): void => void ways.set(check, [...(ways.get(check) ?? []), held]);
  let x: Tensor = images;
  for (const [i, layer] of plan.entries()) {
    const { y, buffers, dy, dx, grads } = ran[i];
    const verdict = judgeLayer(layer, state, x, { training, lambda, mask }, arithmetic);
    const out = await readMaps(y);
    hold(`${layer.op}${training ? '' : ' in eval'}`, { got: out.data, verdict: verdict.y, at: layer.name });
    for (const [name, expected] of verdict.buffers) {
      const { data } = await read(buffers[name]);
      hold(`${layer.op} statistics`, { got: data, verdict: expected, at: name });
    }
    if (dy !== null && dx !== null) {
      for (const [name, expected] of verdict.backward(await readMaps(dy))) {
        const given = name === 'dx' ? dx : grads[name];
        let got = name === 'dx' ? await readMaps(given) : await readParameter(given, layer.op === 'depthwiseConv2d');
        if (layer.op === 'maxPool2d' && ties === 'any') got = toFirstOfEquals(layer, x, got);
        const mayVanish = zero.has(name);
        hold(`${layer.op} backward`, { got: got.data, verdict: expected, at: `${layer.name} ${name}`, mayVanish });
      }
    }
    x = out;
  }
  for (const { y, buffers, dy, dx, grads } of ran) {
    for (const kept of [y, dy, dx, ...Object.values(buffers), ...Object.values(grads)]) kept?.dispose();
  }
  const label = config.form === 'train' ? `${network.label}, λ ${lambda}` : network.label;
  return [...ways].map(([check, all]) => rowOf(check, label, all));
}

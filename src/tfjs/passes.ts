import type { ModelConfig } from '../core/config.js';
import { ShapeError } from '../core/errors.js';
import type { Loss } from '../core/optimizer.js';
import { uniform } from '../core/philox.js';
import { planNetwork, type Layer } from '../core/network.js';
import { sizeOf, type FloatArray } from '../core/tensor.js';
import { checkLambda } from '../core/trainingRules.js';
import { bceWithLogits, bceWithLogitsBackward } from './bceWithLogits.js';
import { crossEntropy, crossEntropyBackward } from './crossEntropy.js';
import type { Engine } from './engine.js';
import type { Mode } from './layers.js';
import { forward, imagesOf, type Forward } from './network.js';
import { keepAll, scope, settled, type Keep } from './scope.js';
import type { Maps, Matrix, Tf, TfTensor } from './tf.js';
import { free, type TfState } from './weights.js';

/** What one pass over a batch gave. */
export interface TfjsPass {
  /** In nats, image by image: the loss is their mean. */
  readonly losses: Float64Array;
  /** [n,num_classes] */
  readonly logits: Float32Array;
}

/** What is passed forward, and back where it trains. */
export interface TfjsBatch {
  /** [n,in_chans,h,w], normalized */
  readonly x: FloatArray;
  /** [n,num_classes]: the share of each class in each image */
  readonly targets: FloatArray;
  /** Slope of the deep-training activations, in [0, 1]; the deploy form has none. */
  readonly lambda: number;
}

const LOSSES = {
  'cross-entropy': { loss: crossEntropy, backward: crossEntropyBackward },
  bce: { loss: bceWithLogits, backward: bceWithLogitsBackward },
} as const;

/** Batches through the network, in whatever state: nothing is moved. */
export class Passes {
  readonly #engine: Engine;
  readonly #config: ModelConfig;
  readonly #layers: readonly Layer[];
  readonly #loss: Loss;
  readonly #seed: number;

  /** @throws ShapeError where `config.input_size` is too small */
  constructor(engine: Engine, config: ModelConfig, { loss, seed }: { readonly loss: Loss; readonly seed: number }) {
    this.#engine = engine;
    this.#config = config;
    this.#layers = planNetwork(config, config.input_size);
    this.#loss = loss;
    this.#seed = seed;
  }

  /** @param least images that there are to be @throws ShapeError, ParamError */
  check({ x, targets, lambda }: TfjsBatch, least: number): void {
    const { in_chans, input_size, num_classes } = this.#config;
    const n = targets.length / num_classes;
    if (!Number.isInteger(n) || n < least) {
      const expected = `targets [n,${num_classes}], n at least ${least}`;
      throw new ShapeError({ op: 'training', expected, got: `${targets.length} values` });
    }
    const shape = [n, in_chans, ...input_size];
    if (x.length !== sizeOf(shape)) {
      throw new ShapeError({ op: 'training', expected: `x [${shape.join(',')}]`, got: `${x.length} values` });
    }
    checkLambda(lambda);
  }

  /**
   * In training mode: besides, gradients and running statistics, which are the caller's.
   *
   * @param number of the pass: every one has dropout masks of its own
   */
  train(
    state: TfState,
    batch: TfjsBatch,
    number: number,
  ): Promise<Readonly<Record<'buffers' | 'grads', ReadonlyMap<string, TfTensor>>> & { readonly pass: TfjsPass }> {
    return this.#run(state, batch, (run, q, tf, keep) => {
      const all = run({ training: true, lambda: batch.lambda, mask: this.#mask(q, number) });
      const { logits, buffers } = all;
      const grads = all.backward(LOSSES[this.#loss].backward(tf, logits, q));
      return { logits, buffers: keepAll(keep, buffers), grads: keepAll(keep, grads) };
    });
  }

  /** In eval mode: normalized by the running statistics. */
  async evaluate(state: TfState, batch: TfjsBatch): Promise<TfjsPass> {
    const { lambda } = batch;
    const { pass } = await this.#run(state, batch, (run) => ({ logits: run({ training: false, lambda }).logits }));
    return pass;
  }

  /**
   * Where a pass in training mode goes wrong, as it is made once more with what it began with: the first layer
   * whose output has a value that is no number; null where none has.
   */
  async firstNonFinite(state: TfState, batch: TfjsBatch, number: number): Promise<string | null> {
    const { maps } = await this.#run(state, batch, (run, q, tf, keep) => {
      const { logits, traces } = run({ training: true, lambda: batch.lambda, mask: this.#mask(q, number) });
      return { logits, maps: traces.map(({ name, y }) => ({ name, y: keep(tf.add(y, 0)) })) };
    });
    try {
      for (const { name, y } of maps) {
        const values = await y.data();
        if (!values.every((value) => Number.isFinite(value))) return name;
      }
      return null;
    } finally {
      free(maps.map(({ y }) => y));
    }
  }

  /** Runs the chain in a scope, and reads losses and logits; `make` says what else is kept. */
  async #run<T extends { readonly logits: Matrix }>(
    state: TfState,
    { x, targets }: TfjsBatch,
    make: (run: (mode: Mode) => Forward, q: Matrix, tf: Tf, keep: Keep) => T,
  ): Promise<Omit<T, 'logits'> & { pass: TfjsPass }> {
    const { in_chans, input_size, num_classes } = this.#config;
    const n = targets.length / num_classes;
    const kept: TfTensor[] = [];
    const { made, logits, losses } = await this.#engine.use((tf) =>
      scope(tf, (keep) => {
        const images = imagesOf(tf, x, [n, in_chans, ...input_size]);
        const q: Matrix = tf.tensor(new Float32Array(targets), [n, num_classes], 'float32');
        const run = (mode: Mode): Forward => forward(tf, this.#layers, state, images, mode);
        const all = make(run, q, tf, (made) => {
          kept.push(made);
          return keep(made);
        });
        const each = LOSSES[this.#loss].loss(tf, all.logits, q);
        return { made: all, logits: keep(all.logits), losses: keep(each) };
      }),
    );
    try {
      const [values, each] = await settled([logits.data(), losses.data()]);
      return { ...made, pass: { losses: Float64Array.from(each), logits: new Float32Array(values) } };
    } catch (error) {
      free(kept);
      throw error;
    } finally {
      free([logits, losses]);
    }
  }

  /** What dropout multiplies by, from the same numbers as in the other backends; null where nothing is dropped. */
  #mask({ shape: [n] }: Matrix, number: number): Maps | null {
    const { drop_rate, dims } = this.#config;
    if (drop_rate === 0) return null;
    const channels = dims[dims.length - 1];
    const stream = 2 ** 31 + number;
    const kept = 1 / (1 - drop_rate);
    const mask = Float32Array.from({ length: n * channels }, (_, i) =>
      uniform(this.#seed, stream, i) < drop_rate ? 0 : kept,
    );
    return this.#engine.tf.tensor(mask, [n, 1, 1, channels], 'float32');
  }
}

import type { ModelConfig } from '../core/config.js';
import { ShapeError } from '../core/errors.js';
import type { Loss } from '../core/optimizer.js';
import { uniform } from '../core/philox.js';
import { planNetwork, type Layer } from '../core/network.js';
import { sizeOf, type FloatArray } from '../core/tensor.js';
import { checkLambda, type RunningVar } from '../core/trainingRules.js';
import { bceWithLogits, bceWithLogitsBackward } from './bceWithLogits.js';
import { crossEntropy, crossEntropyBackward } from './crossEntropy.js';
import type { Engine } from './engine.js';
import type { Mode } from './layers.js';
import { forward, imagesOf, type Forward } from './network.js';
import { keepAll, runInScope, awaitAll, type KeepTensor } from './scope.js';
import type { Maps, Matrix, Tf, TfTensor } from './tf.js';
import { disposeTensors, type TfState } from './weights.js';

/** The results of one pass over a batch. */
export interface TfjsPass {
  /** The loss of each image in nats; the loss of the batch is their mean. */
  readonly losses: Float64Array;
  /** [n,num_classes] */
  readonly logits: Float32Array;
}

/** A batch with its targets. */
export interface TfjsBatch {
  /** [n,in_chans,h,w], normalized */
  readonly x: FloatArray;
  /** [n,num_classes]: target probabilities, such as one-hot vectors or their mixtures */
  readonly targets: FloatArray;
  /** Slope of the deep-training activations, in [0, 1]; the deploy form ignores it. */
  readonly lambda: number;
}

const LOSSES = {
  'cross-entropy': { loss: crossEntropy, backward: crossEntropyBackward },
  bce: { loss: bceWithLogits, backward: bceWithLogitsBackward },
} as const;

/** What a pass reads besides the logits. */
interface PassContext {
  /** Runs the network on the batch. */
  readonly run: (mode: Mode) => Forward;
  /** The targets [n,num_classes]. */
  readonly q: Matrix;
  readonly tf: Tf;
  /** Keeps a tensor beyond the pass. The caller disposes of it. */
  readonly keep: KeepTensor;
}

interface PassesOptions {
  readonly loss: Loss;
  /** Of the dropout masks. */
  readonly seed: number;
  readonly runningVar: RunningVar;
  /** Tensors that stay as they are. */
  readonly frozen: ReadonlySet<string>;
}

/** Runs batches through the network, in training or eval mode, with a state that is not changed. */
export class Passes {
  readonly #engine: Engine;
  readonly #config: ModelConfig;
  readonly #layers: readonly Layer[];
  readonly #loss: Loss;
  readonly #seed: number;
  readonly #runningVar: RunningVar;
  readonly #frozen: ReadonlySet<string>;

  /** @throws ShapeError if `config.input_size` is too small for the network */
  constructor(engine: Engine, config: ModelConfig, { loss, seed, runningVar, frozen }: PassesOptions) {
    this.#engine = engine;
    this.#config = config;
    this.#layers = planNetwork(config, config.input_size);
    this.#loss = loss;
    this.#seed = seed;
    this.#runningVar = runningVar;
    this.#frozen = frozen;
  }

  /** @param least the minimum number of images @throws ShapeError, ParamError */
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
   * A pass in training mode. The caller disposes of the gradients and of the updated running statistics.
   *
   * @param number the index of the pass, which determines the dropout mask
   */
  train(
    state: TfState,
    batch: TfjsBatch,
    number: number,
  ): Promise<Readonly<Record<'buffers' | 'grads', ReadonlyMap<string, TfTensor>>> & { readonly pass: TfjsPass }> {
    return this.#run(state, batch, ({ run, q, tf, keep }) => {
      const { logits, buffers, backward } = run({
        training: true,
        lambda: batch.lambda,
        mask: this.#mask(q, number),
        runningVar: this.#runningVar,
        frozen: this.#frozen,
      });
      const all = backward(LOSSES[this.#loss].backward(tf, logits, q));
      const grads = new Map([...all].filter(([name]) => !this.#frozen.has(name)));
      return { logits, buffers: keepAll(keep, buffers), grads: keepAll(keep, grads) };
    });
  }

  /** A pass in eval mode: batch norms use the running statistics. */
  async evaluate(state: TfState, batch: TfjsBatch): Promise<TfjsPass> {
    const { lambda } = batch;
    const { pass } = await this.#run(state, batch, ({ run }) => ({ logits: run({ training: false, lambda }).logits }));
    return pass;
  }

  /**
   * Repeats a pass in training mode, and returns the name of the first layer whose output is not finite; null if all
   * outputs are.
   */
  async firstNonFinite(state: TfState, batch: TfjsBatch, number: number): Promise<string | null> {
    const { maps } = await this.#run(state, batch, ({ run, q, tf, keep }) => {
      const { logits, traces } = run({
        training: true,
        lambda: batch.lambda,
        mask: this.#mask(q, number),
        frozen: this.#frozen,
      });
      return { logits, maps: traces.map(({ name, y }) => ({ name, y: keep(tf.add(y, 0)) })) };
    });
    try {
      for (const { name, y } of maps) {
        const values = await y.data();
        if (!values.every((value) => Number.isFinite(value))) return name;
      }
      return null;
    } finally {
      disposeTensors(maps.map(({ y }) => y));
    }
  }

  /** Calls `compute` in a scope, and reads the losses and logits. Returns what else `compute` returns. */
  async #run<T extends { readonly logits: Matrix }>(
    state: TfState,
    { x, targets }: TfjsBatch,
    compute: (context: PassContext) => T,
  ): Promise<Omit<T, 'logits'> & { pass: TfjsPass }> {
    const { in_chans, input_size, num_classes } = this.#config;
    const n = targets.length / num_classes;
    const extraTensors: TfTensor[] = [];
    const { result, logits, losses } = await this.#engine.use((tf) =>
      runInScope(tf, (keep) => {
        const images = imagesOf(tf, x, [n, in_chans, ...input_size]);
        const q: Matrix = tf.tensor(new Float32Array(targets), [n, num_classes], 'float32');
        const run = (mode: Mode): Forward => forward(tf, this.#layers, state, images, mode);
        const keepExtra: KeepTensor = (tensor) => {
          extraTensors.push(tensor);
          return keep(tensor);
        };
        const result = compute({ run, q, tf, keep: keepExtra });
        const losses = LOSSES[this.#loss].loss(tf, result.logits, q);
        return { result, logits: keep(result.logits), losses: keep(losses) };
      }),
    );
    try {
      const [logitValues, lossValues] = await awaitAll([logits.data(), losses.data()]);
      const pass = { losses: Float64Array.from(lossValues), logits: new Float32Array(logitValues) };
      return { ...result, pass };
    } catch (error) {
      disposeTensors(extraTensors);
      throw error;
    } finally {
      disposeTensors([logits, losses]);
    }
  }

  /** The factors of dropout, drawn as in the other backends; null without dropout. */
  #mask({ shape: [n] }: Matrix, number: number): Maps | null {
    const { drop_rate, dims } = this.#config;
    if (drop_rate === 0) return null;
    const channels = dims[dims.length - 1];
    const stream = 2 ** 31 + number;
    const scale = 1 / (1 - drop_rate);
    const mask = Float32Array.from({ length: n * channels }, (_, i) =>
      uniform(this.#seed, stream, i) < drop_rate ? 0 : scale,
    );
    return this.#engine.tf.tensor(mask, [n, 1, 1, channels], 'float32');
  }
}

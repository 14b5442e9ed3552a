import type { ModelConfig } from '../../core/config.js';
import { planModules, type Layer, type LayerOf, type MapShape, type PlannedModule } from '../../core/network.js';
import type { Size } from '../../core/shapes.js';
import { sizeOf } from '../../core/tensor.js';
import { PIXEL_ORDER, POOL_MODE } from './descriptors.js';

/**
 * A stage of the deploy form, the stem among them: convolution (1x1 over packed
 * pixels, which for the stem are the image's 4x4 windows), pool, ReLU, depthwise
 * convolution.
 */
export interface StagePlan {
  /** `stem`, `stages.<i>` */
  readonly name: string;
  /** PyTorch's names of the two convolutions. */
  readonly conv: string;
  readonly act: string;
  /** Length of a pixel, and of the products over it. */
  readonly depth: number;
  readonly channels: number;
  /** The pixels that are multiplied, in groups of four. */
  readonly groups: number;
  /** The map before the pool, as far as its windows cover it, and its whole width. */
  readonly rows: number;
  readonly columns: number;
  readonly width: number;
  readonly pool: number;
  /** The map after the pool. */
  readonly h: number;
  readonly w: number;
  /** In which order the next stage wants the map's pixels. */
  readonly order: number;
}

type Pool = LayerOf<'maxPool2d' | 'adaptiveMaxPool2d'> | undefined;

/** Whether a group of four pixels is one window: then the map before the pool is never stored. */
const poolsGroups = (pool: Pool): boolean => pool?.op === 'maxPool2d' && pool.stride === 2;

function pooling(
  pool: Pool,
  [, h, w]: MapShape,
  [, oh, ow]: MapShape,
): Pick<StagePlan, 'pool' | 'rows' | 'columns' | 'groups'> {
  if (poolsGroups(pool)) return { pool: POOL_MODE.groups, rows: 2 * oh, columns: 2 * ow, groups: oh * ow };
  const groups = Math.ceil((h * w) / 4);
  if (pool === undefined) return { pool: POOL_MODE.none, rows: h, columns: w, groups };
  // A pool with a stride is an adaptive pool of the part that its windows cover.
  const [rows, columns] = pool.op === 'maxPool2d' ? [pool.stride * oh, pool.stride * ow] : [h, w];
  return { pool: POOL_MODE.windows, rows, columns, groups };
}

/** The layers of a stage that the engine computes. The ReLU between pool and `act` is part of its kernel. */
interface StageLayers {
  readonly name: string;
  readonly conv: LayerOf<'conv2d'>;
  readonly pool: Pool;
  readonly act: LayerOf<'depthwiseConv2d'>;
}

/** The layers of a module, which are taken one after the other. */
class LayerQueue {
  readonly name: string;
  readonly #layers: Layer[];

  constructor({ name, layers }: PlannedModule) {
    this.name = name;
    this.#layers = [...layers];
  }

  /** Removes the next layer and returns it; undefined if it is of another op. */
  takeIf<Name extends Layer['op']>(...ops: readonly Name[]): LayerOf<Name> | undefined {
    const isOfOp = (layer: Layer | undefined): layer is LayerOf<Name> => ops.some((op) => op === layer?.op);
    const next = this.#layers.at(0);
    if (!isOfOp(next)) return undefined;
    this.#layers.shift();
    return next;
  }

  /** Removes the next layer and returns it. @throws Error if it is of another op */
  take<Name extends Layer['op']>(op: Name): LayerOf<Name> {
    return this.takeIf(op) ?? this.#refuse(op);
  }

  /** @throws Error if there are more layers */
  end(): void {
    if (this.#layers.length > 0) this.#refuse('no further layer');
  }

  #refuse(expected: string): never {
    const [next] = this.#layers;
    const got = this.#layers.length === 0 ? 'none' : `${next.op} ${next.name}`;
    throw new Error(`internal error: ${this.name}: expected ${expected}, got ${got}`);
  }
}

function stageLayers(module: PlannedModule): StageLayers {
  const layers = new LayerQueue(module);
  const conv = layers.take('conv2d');
  const pool = layers.takeIf('maxPool2d', 'adaptiveMaxPool2d');
  layers.take('leakyRelu');
  const act = layers.take('depthwiseConv2d');
  layers.end();
  return { name: module.name, conv, pool, act };
}

/** The two modules after the stages. */
export interface HeadPlan {
  /** Name of the module of the pooled features. */
  readonly features: string;
  /** Names of the module of the logits, and of its convolution. */
  readonly logits: string;
  readonly conv: string;
}

function headPlan(pooling: PlannedModule, classifier: PlannedModule): HeadPlan {
  const mean = new LayerQueue(pooling);
  mean.take('globalAvgPool');
  mean.end();
  const linear = new LayerQueue(classifier);
  // At inference, dropout is the identity.
  linear.take('dropout');
  const conv = linear.take('conv2d');
  linear.end();
  return { features: pooling.name, logits: classifier.name, conv: conv.name };
}

/**
 * The layers of the deploy form as the engine computes them.
 *
 * @throws Error for a layer that it does not know, or in another order
 */
export function splitNetwork(modules: readonly PlannedModule[]): { stages: StageLayers[]; head: HeadPlan } {
  const [pooling, classifier] = modules.slice(-2);
  return { stages: modules.slice(0, -2).map(stageLayers), head: headPlan(pooling, classifier) };
}

const splitDeploy = (config: ModelConfig): ReturnType<typeof splitNetwork> =>
  splitNetwork(planModules({ ...config, form: 'deploy' }, config.input_size));

/** Names of the modules after the stages. */
export const planHead = (config: ModelConfig): HeadPlan => splitDeploy(config).head;

/**
 * The stages of a network in the deploy form, the stem first.
 *
 * @throws ShapeError if `config.input_size` is too small for the network.
 */
export function planStages(config: ModelConfig): StagePlan[] {
  const { stages } = splitDeploy(config);
  return stages.map(({ name, conv, pool, act }, i) => {
    const next = i + 1 < stages.length ? stages[i + 1] : null;
    return {
      name,
      conv: conv.name,
      act: act.name,
      depth: sizeOf(conv.weight) / conv.weight[0],
      channels: conv.weight[0],
      ...pooling(pool, conv.output, act.output),
      width: conv.output[2],
      h: act.output[1],
      w: act.output[2],
      order: next === null ? PIXEL_ORDER.mean : poolsGroups(next.pool) ? PIXEL_ORDER.windows : PIXEL_ORDER.rows,
    };
  });
}

/** Where `packImage` finds the stem's windows. */
export function stemWindows(config: ModelConfig): { size: Size; stride: number; padding: number } {
  const { output, stride, padding } = splitDeploy(config).stages[0].conv;
  return { size: [output[1], output[2]], stride, padding };
}

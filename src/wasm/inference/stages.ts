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

const findLayer = <Name extends Layer['op']>(
  { layers }: PlannedModule,
  ...names: readonly Name[]
): LayerOf<Name> | undefined => layers.find((layer): layer is LayerOf<Name> => names.some((name) => name === layer.op));

function requireLayer<Name extends Layer['op']>(module: PlannedModule, name: Name): LayerOf<Name> {
  const layer = findLayer(module, name);
  if (layer === undefined) throw new Error(`${module.name} has no ${name}`);
  return layer;
}

const poolOf = (module: PlannedModule): Pool => findLayer(module, 'maxPool2d', 'adaptiveMaxPool2d');

/** The stem and the stages in the deploy form. */
const planDeploy = (config: ModelConfig): PlannedModule[] =>
  planModules({ ...config, form: 'deploy' }, config.input_size).filter((module) =>
    findLayer(module, 'depthwiseConv2d'),
  );

/**
 * The stages of a network in the deploy form, the stem first.
 *
 * @throws ShapeError if `config.input_size` is too small for the network.
 */
export function planStages(config: ModelConfig): StagePlan[] {
  const modules = planDeploy(config);
  return modules.map((module, i) => {
    const [conv, act] = [requireLayer(module, 'conv2d'), requireLayer(module, 'depthwiseConv2d')];
    const next = i + 1 < modules.length ? modules[i + 1] : null;
    return {
      name: module.name,
      conv: conv.name,
      act: act.name,
      depth: sizeOf(conv.weight) / conv.weight[0],
      channels: conv.weight[0],
      ...pooling(poolOf(module), conv.output, act.output),
      width: conv.output[2],
      h: act.output[1],
      w: act.output[2],
      order: next === null ? PIXEL_ORDER.mean : poolsGroups(poolOf(next)) ? PIXEL_ORDER.windows : PIXEL_ORDER.rows,
    };
  });
}

/** Where `packImage` finds the stem's windows. */
export function stemWindows(config: ModelConfig): { size: Size; stride: number; padding: number } {
  const { output, stride, padding } = requireLayer(planDeploy(config)[0], 'conv2d');
  return { size: [output[1], output[2]], stride, padding };
}

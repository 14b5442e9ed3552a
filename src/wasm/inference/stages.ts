import type { ModelConfig } from '../../core/config.js';
import { mapSizes, poolOf, stemOf, type Pool, type Size } from '../../core/shapes.js';

/** Values of `Stage.pool` in assembly/inference/poolPanel.ts. */
export const POOL = { none: 0, groups: 1, windows: 2 } as const;

/** Values of `Stage.order` in assembly/inference/packPixels.ts and assembly/inference/stage.ts. */
export const ORDER = { rows: 0, windows: 1, mean: 2 } as const;

/**
 * A stage of the deploy form, the stem among them: convolution (1x1 over packed
 * pixels, which for the stem are the image's 4x4 windows), pool, ReLU, depthwise
 * convolution.
 */
export interface StagePlan {
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

/** Whether a group of four pixels is one window: then the pool never sees the whole map. */
const poolsGroups = (pool: Pool): boolean => pool.kind === 'max' && pool.stride === 2;

function pooling(pool: Pool, [h, w]: Size, [oh, ow]: Size): Pick<StagePlan, 'pool' | 'rows' | 'columns' | 'groups'> {
  if (poolsGroups(pool)) return { pool: POOL.groups, rows: 2 * oh, columns: 2 * ow, groups: oh * ow };
  const groups = Math.ceil((h * w) / 4);
  if (pool.kind === 'none') return { pool: POOL.none, rows: h, columns: w, groups };
  // A pool by its stride is an adaptive one of the part that its windows cover.
  const [rows, columns] = pool.kind === 'max' ? [pool.stride * oh, pool.stride * ow] : [h, w];
  return { pool: POOL.windows, rows, columns, groups };
}

/**
 * The stages of a network in the deploy form, the stem first.
 *
 * @throws ShapeError where `config.input_size` is too small for it.
 */
export function planStages(config: ModelConfig): StagePlan[] {
  const sizes = mapSizes(config, config.input_size);
  const pools: Pool[] = [{ kind: 'none' }, ...config.strides.map((_, i) => poolOf(config, i))];
  return pools.map((pool, i) => {
    const [before, after] = [sizes[Math.max(0, i - 1)], sizes[i]];
    const next = i + 1 < pools.length ? pools[i + 1] : null;
    return {
      conv: i === 0 ? 'stem.0' : `stages.${i - 1}.conv`,
      act: i === 0 ? 'stem.1' : `stages.${i - 1}.act`,
      depth: i === 0 ? 16 * config.in_chans : config.dims[i - 1],
      channels: config.dims[i],
      ...pooling(pool, before, after),
      width: before[1],
      h: after[0],
      w: after[1],
      order: next === null ? ORDER.mean : poolsGroups(next) ? ORDER.windows : ORDER.rows,
    };
  });
}

/** Where `packImage` finds the stem's windows. */
export const stemWindows = (config: ModelConfig): { size: Size; stride: number; padding: number } => ({
  size: mapSizes(config, config.input_size)[0],
  ...stemOf(config),
});

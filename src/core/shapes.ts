/**
 * Shape rules of the network. The reference derives its own shapes from its own
 * rules, on purpose: a shared rule would be a shared mistake.
 */
import type { ModelConfig } from './config.js';
import { ShapeError } from './errors.js';

export type Size = readonly [height: number, width: number];

/** ⌊(in + 2·padding − kernel) / stride⌋ + 1 */
export const convSize = (size: number, kernel: number, stride: number, padding: number): number =>
  Math.floor((size + 2 * padding - kernel) / stride) + 1;

/** The stem is 4x4 stride 4, or stride 3 with padding 1 where pooling is adaptive. */
export const stemOf = ({ ada_pool, article_stem }: ModelConfig): { stride: number; padding: number } =>
  ada_pool !== null && !article_stem ? { stride: 3, padding: 1 } : { stride: 4, padding: 0 };

/** How stage i pools: not at all, by its stride (k = s, floor), or to a fixed size. */
export type Pool =
  | { readonly kind: 'none' }
  | { readonly kind: 'max'; readonly stride: number }
  | { readonly kind: 'adaptive'; readonly size: number };

export function poolOf({ strides, ada_pool }: ModelConfig, stage: number): Pool {
  const stride = strides[stage];
  const ada = ada_pool?.[stage] ?? 0;
  if (stride === 1) return { kind: 'none' };
  return ada === 0 ? { kind: 'max', stride } : { kind: 'adaptive', size: ada };
}

/** The map's size after a pool. */
export function poolSize([h, w]: Size, pool: Pool): Size {
  if (pool.kind === 'none') return [h, w];
  if (pool.kind === 'adaptive') return [pool.size, pool.size];
  return [Math.floor(h / pool.stride), Math.floor(w / pool.stride)];
}

/**
 * Sizes of the maps after the stem and after each stage.
 * @throws ShapeError where the input is too small and a map would be empty.
 */
export function mapSizes(config: ModelConfig, [h, w]: Size): Size[] {
  const { stride, padding } = stemOf(config);
  const sizes: Size[] = [[convSize(h, 4, stride, padding), convSize(w, 4, stride, padding)]];
  config.strides.forEach((_, i) => sizes.push(poolSize(sizes[i], poolOf(config, i))));
  const empty = sizes.findIndex(([mh, mw]) => mh < 1 || mw < 1);
  if (empty >= 0) {
    throw new ShapeError({
      op: empty === 0 ? 'stem' : `stages.${empty - 1}`,
      expected: 'an input large enough for a map of at least 1x1',
      got: `${h}x${w}, which leaves ${sizes[empty].join('x')}`,
    });
  }
  return sizes;
}

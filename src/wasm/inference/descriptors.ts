// Generated from assembly/inference/ by `npm run descriptors`. Do not edit.

/** Fields of `Image` in assembly/inference/packImage.ts. */
export const IMAGE = {
  pixels: 'u32',
  image: 'u32',
  table: 'u32',
  interleaved: 'u32',
  c: 'u32',
  h: 'u32',
  w: 'u32',
  oh: 'u32',
  ow: 'u32',
  stride: 'u32',
  padding: 'u32',
} as const;

/** Values of `PixelOrder` in assembly/inference/packPixels.ts. */
export const PIXEL_ORDER = { rows: 0, windows: 1, mean: 2 } as const;

/** Values of `PoolMode` in assembly/inference/poolPanel.ts. */
export const POOL_MODE = { none: 0, groups: 1, windows: 2 } as const;

/** Values of `RegionKind` in assembly/inference/region.ts. */
export const REGION_KIND = { planes: 0, bytes: 1, stage: 2, linear: 3 } as const;

/** Fields of `Linear` in assembly/inference/region.ts. */
export const LINEAR = { y: 'u32', x: 'u32', weight: 'u32', bias: 'u32', depth: 'u32' } as const;

/** Fields of `Stage` in assembly/inference/stage.ts. */
export const STAGE = {
  pixels: 'u32',
  weight: 'u32',
  bias: 'u32',
  actWeight: 'u32',
  actBias: 'u32',
  output: 'u32',
  groups: 'u32',
  depth: 'u32',
  channels: 'u32',
  pool: 'u32',
  rows: 'u32',
  columns: 'u32',
  width: 'u32',
  h: 'u32',
  w: 'u32',
  n: 'u32',
  order: 'u32',
  low: 'u32',
  high: 'u32',
  map: 'u32',
} as const;

// Generated from assembly/training/ by `npm run descriptors`. Do not edit.

/** Fields of `Accumulate` in assembly/training/accumulate.ts. */
export const ACCUMULATE = { grad: 'u32', sum: 'u32', count: 'u32', passes: 'u32' } as const;

/** `PANEL` of assembly/training/adam.ts. */
export const PANEL = 4096;

/** Fields of `Adam` in assembly/training/adam.ts. */
export const ADAM = {
  param: 'u32',
  grad: 'u32',
  m: 'u32',
  v: 'u32',
  count: 'u32',
  lr: 'f32',
  beta1: 'f32',
  beta2: 'f32',
  rest1: 'f32',
  rest2: 'f32',
  eps: 'f32',
  weightDecay: 'f32',
  correction1: 'f32',
  correction2: 'f32',
  decoupled: 'u32',
} as const;

/** Fields of `BatchNorm` in assembly/training/batchNorm.ts. */
export const BATCH_NORM = {
  x: 'u32',
  y: 'u32',
  dy: 'u32',
  weight: 'u32',
  bias: 'u32',
  dw: 'u32',
  db: 'u32',
  runningMean: 'u32',
  runningVar: 'u32',
  mean: 'u32',
  invStd: 'u32',
  lambda: 'u32',
  panels: 'u32',
  dxPanels: 'u32',
  channels: 'u32',
  pixels: 'u32',
  eps: 'f32',
  momentum: 'f32',
  correction: 'f32',
} as const;

/** Fields of `Clip` in assembly/training/clip.ts. */
export const CLIP = { grad: 'u32', count: 'u32', panels: 'u32', squares: 'u32', divisor: 'u32' } as const;

/** Fields of `Conv2d` in assembly/training/conv2d.ts. */
export const CONV2D = {
  x: 'u32',
  y: 'u32',
  dx: 'u32',
  dy: 'u32',
  weight: 'u32',
  bias: 'u32',
  dw: 'u32',
  db: 'u32',
  transposed: 'u32',
  panels: 'u32',
  pixels: 'u32',
  c: 'u32',
  k: 'u32',
} as const;

/** Fields of `DepthwiseConv2d` in assembly/training/depthwiseConv2d.ts. */
export const DEPTHWISE_CONV2D = {
  x: 'u32',
  y: 'u32',
  dx: 'u32',
  dy: 'u32',
  weight: 'u32',
  dw: 'u32',
  bias: 'u32',
  db: 'u32',
  images: 'u32',
  h: 'u32',
  w: 'u32',
  n: 'u32',
} as const;

/** Fields of `Dropout` in assembly/training/dropout.ts. */
export const DROPOUT = { mask: 'u32', n: 'u32', channels: 'u32', rate: 'f64', seed: 'u32', stream: 'u32' } as const;

/** Fields of `Ema` in assembly/training/ema.ts. */
export const EMA = { average: 'u32', state: 'u32', count: 'u32', rest: 'f32' } as const;

/** Fields of `GlobalAvgPool` in assembly/training/globalAvgPool.ts. */
export const GLOBAL_AVG_POOL = {
  x: 'u32',
  dx: 'u32',
  y: 'u32',
  dy: 'u32',
  mask: 'u32',
  images: 'u32',
  size: 'u32',
} as const;

/** Fields of `Lamb` in assembly/training/lamb.ts. */
export const LAMB = {
  param: 'u32',
  grad: 'u32',
  m: 'u32',
  v: 'u32',
  count: 'u32',
  panels: 'u32',
  squares: 'u32',
  divisor: 'u32',
  lr: 'f32',
  beta1: 'f32',
  beta2: 'f32',
  rest1: 'f32',
  rest2: 'f32',
  eps: 'f32',
  weightDecay: 'f32',
  correction1: 'f32',
  correction2: 'f32',
} as const;

/** Fields of `MaxPool2d` in assembly/training/maxPool2d.ts. */
export const MAX_POOL2D = {
  x: 'u32',
  dx: 'u32',
  y: 'u32',
  dy: 'u32',
  n: 'u32',
  h: 'u32',
  w: 'u32',
  rows: 'u32',
  columns: 'u32',
  oh: 'u32',
  ow: 'u32',
} as const;

/** `PIXEL` of assembly/training/planes.ts. */
export const PIXEL = 16;

/** Values of `RegionKind` in assembly/training/region.ts. */
export const REGION_KIND = {
  windows: 0,
  packX: 1,
  packDy: 2,
  multiplyX: 3,
  multiplyDy: 4,
  multiplyXDy: 5,
  transposeWeight: 6,
  batchNorm: 7,
  batchNormEval: 8,
  batchNormBackward: 9,
  maxPool: 10,
  maxPoolBackward: 11,
  depthwise: 12,
  depthwiseBackward: 13,
  depthwiseWeight: 14,
  avgPool: 15,
  avgPoolEval: 16,
  avgPoolBackward: 17,
  dropout: 18,
  crossEntropy: 19,
  adam: 20,
  sgd: 21,
  squareGradients: 22,
  clip: 23,
  lambMoments: 24,
  lambMove: 25,
  ema: 26,
  exchange: 27,
  bce: 28,
  accumulate: 29,
  batchNormEvalBackward: 30,
} as const;

/** Fields of `Sgd` in assembly/training/sgd.ts. */
export const SGD = {
  param: 'u32',
  grad: 'u32',
  momenta: 'u32',
  count: 'u32',
  lr: 'f32',
  momentum: 'f32',
  weightDecay: 'f32',
  nesterov: 'u32',
} as const;

/** Fields of `SoftmaxCrossEntropy` in assembly/training/softmaxCrossEntropy.ts. */
export const SOFTMAX_CROSS_ENTROPY = { x: 'u32', dx: 'u32', q: 'u32', loss: 'u32', n: 'u32', classes: 'u32' } as const;

/** Fields of `Windows` in assembly/training/windows.ts. */
export const WINDOWS = {
  y: 'u32',
  x: 'u32',
  n: 'u32',
  c: 'u32',
  h: 'u32',
  w: 'u32',
  oh: 'u32',
  ow: 'u32',
  stride: 'u32',
  padding: 'u32',
} as const;

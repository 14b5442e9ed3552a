/** Descriptors as assembly/training/ reads them: fields by name, in its order, each as wide as its type. */
import type { Arena } from '../arena.js';

type Type = 'u32' | 'f32' | 'f64';

/** Names and types of fields, in their order. */
export type Fields<K extends string> = Readonly<Record<K, Type>>;

const WIDTH: Readonly<Record<Type, number>> = { u32: 4, f32: 4, f64: 8 };

/** A descriptor's place, and where its fields are. */
export interface Descriptor<K extends string> {
  readonly address: number;
  readonly set: (view: DataView, values: Partial<Readonly<Record<K, number>>>) => void;
}

/** Reserves a descriptor of these fields. */
export function descriptor<K extends string>(arena: Arena, fields: Fields<K>): Descriptor<K> {
  const offsets = new Map<string, { at: number; type: Type }>();
  let end = 0;
  for (const [name, type] of Object.entries<Type>(fields)) {
    const at = Math.ceil(end / WIDTH[type]) * WIDTH[type];
    offsets.set(name, { at, type });
    end = at + WIDTH[type];
  }
  const address = arena.reserve(end);
  return {
    address,
    set(view, values) {
      for (const [name, value] of Object.entries<number | undefined>(values)) {
        const field = offsets.get(name);
        if (field === undefined || value === undefined) continue;
        const at = address + field.at;
        if (field.type === 'u32') view.setUint32(at, value, true);
        else if (field.type === 'f32') view.setFloat32(at, value, true);
        else view.setFloat64(at, value, true);
      }
    },
  };
}

/** Values of `Region.kind`, in the order of assembly/training/region.ts. */
export const KINDS = [
  'windows',
  'packX',
  'packDy',
  'multiplyX',
  'multiplyDy',
  'multiplyXDy',
  'turnWeight',
  'batchNorm',
  'batchNormEval',
  'batchNormBackward',
  'maxPool',
  'maxPoolBackward',
  'depthwise',
  'depthwiseBackward',
  'depthwiseWeight',
  'avgPool',
  'avgPoolEval',
  'avgPoolBackward',
  'dropout',
  'crossEntropy',
  'adam',
  'sgd',
  'squareGradients',
  'clip',
  'lambMoments',
  'lambMove',
  'ema',
  'exchange',
  'bce',
  'accumulate',
] as const;
export type Kind = (typeof KINDS)[number];

/** The fields of the classes of assembly/training/, in their order. */
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
export const CONV = {
  x: 'u32',
  y: 'u32',
  dx: 'u32',
  dy: 'u32',
  weight: 'u32',
  bias: 'u32',
  dw: 'u32',
  db: 'u32',
  turned: 'u32',
  panels: 'u32',
  pixels: 'u32',
  c: 'u32',
  k: 'u32',
} as const;
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
export const MAX_POOL = {
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
export const DEPTHWISE = {
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
export const AVG_POOL = { x: 'u32', dx: 'u32', y: 'u32', dy: 'u32', mask: 'u32', images: 'u32', size: 'u32' } as const;
export const DROPOUT = { mask: 'u32', n: 'u32', channels: 'u32', rate: 'f64', seed: 'u32', stream: 'u32' } as const;
export const CROSS_ENTROPY = { x: 'u32', dx: 'u32', q: 'u32', loss: 'u32', n: 'u32', classes: 'u32' } as const;
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
export const CLIP = { grad: 'u32', count: 'u32', panels: 'u32', squares: 'u32', divisor: 'u32' } as const;
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
export const ACCUMULATE = { grad: 'u32', sum: 'u32', count: 'u32', passes: 'u32' } as const;
export const EMA = { average: 'u32', state: 'u32', count: 'u32', rest: 'f32' } as const;

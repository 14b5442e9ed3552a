/** A table of calls for all tests of the kernels: parity, memory and mutants. */
import type { ConvParams } from '../../../src/core/ops.js';
import type { MapShape, WeightShape } from '../../../src/core/network.js';
import type { Tensor } from '../../../src/core/tensor.js';
import type { OpCall } from '../../../src/wasm/ops/opCall.js';
import { draw, uniform, type Draw } from '../draw.js';

export interface Sample {
  readonly label: string;
  readonly call: OpCall;
  /** Float32 numbers, so that the kernel and the reference get the same input. */
  readonly x: Tensor;
  readonly weight: Tensor | null;
  readonly bias: Tensor | null;
}

const behind = ([c, h, w]: MapShape, kh: number, kw: number, { stride, padding }: ConvParams): MapShape => [
  c,
  Math.floor((h + 2 * padding - kh) / stride) + 1,
  Math.floor((w + 2 * padding - kw) / stride) + 1,
];

type ConvRow = readonly [
  n: number,
  map: MapShape,
  k: number,
  kernel: readonly [number, number],
  stride: number,
  padding: number,
  bias: boolean,
];

function conv2d([n, map, k, [kh, kw], stride, padding, bias]: ConvRow, random: Draw): Sample {
  const weight: WeightShape = [k, map[0], kh, kw];
  const [, oh, ow] = behind(map, kh, kw, { stride, padding });
  return {
    label: `conv2d ${n}x[${map.join()}] * [${weight.join()}] stride ${stride} padding ${padding}${bias ? ' + bias' : ''}`,
    call: { op: 'conv2d', weight, bias, stride, padding, input: map, output: [k, oh, ow] },
    x: draw([n, ...map], random),
    weight: draw(weight, random),
    bias: bias ? draw([k], random) : null,
  };
}

function depthwiseConv2d([n, map, , [kh, kw], stride, padding, bias]: ConvRow, random: Draw): Sample {
  const weight: WeightShape = [map[0], 1, kh, kw];
  return {
    label: `depthwiseConv2d ${n}x[${map.join()}] * ${kh}x${kw} stride ${stride} padding ${padding}${bias ? ' + bias' : ''}`,
    call: {
      op: 'depthwiseConv2d',
      weight,
      bias,
      stride,
      padding,
      input: map,
      output: behind(map, kh, kw, { stride, padding }),
    },
    x: draw([n, ...map], random),
    weight: draw(weight, random),
    bias: bias ? draw([map[0]], random) : null,
  };
}

function leakyRelu(size: number, lambda: number, random: Draw): Sample {
  const x = draw([1, size, 1, 1], random);
  x.data.set([0, -0].slice(0, size - 1));
  const map: MapShape = [size, 1, 1];
  return {
    label: `leakyRelu of ${size}, lambda ${lambda}`,
    // Rounded here, so that the kernel and the reference use the same slope.
    call: { op: 'leakyRelu', lambda: Math.fround(lambda), input: map, output: map },
    x,
    weight: null,
    bias: null,
  };
}

/** Contents of maps that a pool must handle. */
type Content = 'random' | 'negative' | 'tied' | 'infinite' | 'NaN';

function fill(x: Tensor, content: Content, random: Draw): void {
  const { data } = x;
  const every = (f: (v: number) => number): void => {
    for (let i = 0; i < data.length; i++) data[i] = f(data[i]);
  };
  if (content === 'negative') every((v) => -1 - Math.abs(v));
  if (content === 'tied') every((v) => Math.sign(v));
  if (content === 'infinite') every((v) => (random() < 0.5 ? -Infinity : v));
  if (content === 'NaN') every((v) => (random() < 0.1 ? NaN : v));
}

function maxPool2d(
  n: number,
  map: MapShape,
  kernel_size: number,
  stride: number,
  content: Content,
  random: Draw,
): Sample {
  const x = draw([n, ...map], random);
  fill(x, content, random);
  return {
    label: `maxPool2d ${n}x[${map.join()}] ${kernel_size}x${kernel_size} stride ${stride}, ${content}`,
    call: {
      op: 'maxPool2d',
      kernel_size,
      stride,
      input: map,
      output: behind(map, kernel_size, kernel_size, { stride, padding: 0 }),
    },
    x,
    weight: null,
    bias: null,
  };
}

function adaptiveMaxPool2d(
  n: number,
  map: MapShape,
  output_size: readonly [number, number],
  content: Content,
  random: Draw,
): Sample {
  const x = draw([n, ...map], random);
  fill(x, content, random);
  return {
    label: `adaptiveMaxPool2d ${n}x[${map.join()}] to ${output_size.join('x')}, ${content}`,
    call: { op: 'adaptiveMaxPool2d', output_size, input: map, output: [map[0], ...output_size] },
    x,
    weight: null,
    bias: null,
  };
}

function globalAvgPool(n: number, map: MapShape, random: Draw): Sample {
  return {
    label: `globalAvgPool ${n}x[${map.join()}]`,
    call: { op: 'globalAvgPool', input: map, output: [map[0], 1, 1] },
    x: draw([n, ...map], random),
    weight: null,
    bias: null,
  };
}

/** Every remainder of channels with every remainder of pixels; kernels, strides and paddings; several blocks. */
const CONVS: readonly ConvRow[] = [
  [1, [1, 1, 1], 1, [1, 1], 1, 0, true],
  [1, [17, 1, 1], 5, [1, 1], 1, 0, true],
  [3, [8, 1, 1], 3, [1, 1], 1, 0, false],
  [1, [3, 1, 3], 4, [1, 1], 1, 0, true],
  [1, [4, 2, 4], 4, [1, 1], 1, 0, true],
  [2, [5, 3, 3], 8, [1, 1], 1, 0, true],
  [1, [17, 5, 3], 17, [1, 1], 1, 0, true],
  [1, [8, 7, 5], 1, [1, 1], 1, 0, true],
  [2, [3, 5, 7], 5, [1, 1], 2, 0, true],
  [1, [3, 5, 4], 4, [1, 1], 1, 1, true],
  [1, [3, 8, 12], 8, [4, 4], 4, 0, true],
  [2, [3, 9, 13], 5, [4, 4], 4, 0, true],
  [1, [5, 11, 8], 4, [4, 4], 3, 1, true],
  [1, [1, 7, 9], 3, [3, 3], 1, 1, true],
  [3, [4, 6, 5], 3, [3, 3], 2, 1, false],
  [1, [2, 9, 5], 3, [3, 5], 1, 2, true],
  [1, [2, 5, 9], 4, [7, 1], 2, 3, true],
  [1, [1, 9, 9], 5, [9, 9], 1, 0, true],
  [1, [1, 1, 1], 3, [7, 7], 1, 3, true],
  [1, [1, 3, 2], 3, [1, 1], 1, 5, true],
  [1, [17, 6, 6], 5, [4, 4], 1, 0, true],
  [1, [300, 3, 4], 69, [1, 1], 1, 0, true],
  [1, [520, 1, 1], 9, [1, 1], 1, 0, true],
];

const DEPTHWISE: readonly ConvRow[] = [
  [1, [1, 1, 1], 0, [1, 1], 1, 0, true],
  [2, [5, 1, 1], 0, [7, 7], 1, 3, true],
  [1, [3, 2, 3], 0, [7, 7], 1, 3, true],
  [1, [3, 3, 9], 0, [3, 3], 1, 1, true],
  [1, [4, 4, 4], 0, [3, 3], 1, 1, true],
  [2, [17, 5, 7], 0, [7, 7], 1, 3, true],
  [1, [3, 8, 12], 0, [7, 7], 1, 3, false],
  [1, [1, 14, 13], 0, [7, 7], 1, 3, true],
  [1, [8, 9, 6], 0, [5, 5], 1, 2, true],
  [1, [5, 7, 5], 0, [9, 9], 1, 4, true],
  [1, [3, 9, 9], 0, [4, 4], 1, 0, true],
  [1, [3, 6, 11], 0, [3, 5], 1, 2, true],
  [3, [2, 6, 5], 0, [1, 1], 1, 0, true],
  [1, [3, 9, 7], 0, [3, 3], 2, 1, true],
  [1, [4, 11, 10], 0, [7, 7], 3, 3, false],
  [1, [2, 5, 6], 0, [3, 3], 4, 4, true],
  [1, [2, 4, 4], 0, [1, 3], 1, 6, true],
];

function table(): Sample[] {
  const random = uniform(1);
  const contents: readonly Content[] = ['random', 'negative', 'tied', 'infinite', 'NaN'];
  return [
    ...CONVS.map((row) => conv2d(row, random)),
    ...DEPTHWISE.map((row) => depthwiseConv2d(row, random)),
    ...[1, 3, 4, 5, 17, 64].flatMap((size) => [0, 0.3, 1].map((lambda) => leakyRelu(size, lambda, random))),
    ...contents.flatMap((content) => [
      maxPool2d(1, [1, 1, 1], 1, 1, content, random),
      maxPool2d(2, [3, 8, 8], 2, 2, content, random),
      maxPool2d(1, [5, 9, 15], 2, 2, content, random),
      maxPool2d(1, [2, 3, 23], 2, 2, content, random),
      maxPool2d(1, [4, 7, 5], 3, 3, content, random),
      maxPool2d(1, [1, 9, 8], 3, 2, content, random),
      maxPool2d(1, [3, 8, 15], 2, 3, content, random),
      maxPool2d(1, [17, 5, 4], 4, 4, content, random),
      adaptiveMaxPool2d(1, [1, 1, 1], [1, 1], content, random),
      adaptiveMaxPool2d(2, [3, 7, 5], [3, 2], content, random),
      adaptiveMaxPool2d(1, [5, 8, 10], [4, 5], content, random),
      adaptiveMaxPool2d(1, [2, 3, 4], [5, 7], content, random),
      adaptiveMaxPool2d(1, [1, 15, 13], [7, 1], content, random),
      adaptiveMaxPool2d(1, [1, 75, 19], [38, 10], content, random),
    ]),
    globalAvgPool(1, [1, 1, 1], random),
    globalAvgPool(3, [5, 1, 3], random),
    globalAvgPool(2, [17, 7, 7], random),
    globalAvgPool(1, [4, 4, 5], random),
    globalAvgPool(1, [3, 13, 11], random),
  ];
}

/** Random shapes. */
function sweep(): Sample[] {
  const random = uniform(2);
  const integer = (min: number, max: number): number => min + Math.floor(random() * (max - min + 1));
  const map = (): MapShape => [integer(1, 20), integer(1, 12), integer(1, 12)];
  const row = (stride: number): ConvRow => {
    const [c, h, w] = map();
    const padding = integer(0, 3);
    const kernel = [integer(1, Math.min(5, h + 2 * padding)), integer(1, Math.min(5, w + 2 * padding))] as const;
    return [integer(1, 2), [c, h, w], integer(1, 20), kernel, stride, padding, random() < 0.5];
  };
  return Array.from({ length: 30 }, () => {
    const pooled = map();
    const window = integer(1, Math.min(pooled[1], pooled[2]));
    return [
      conv2d(row(integer(1, 4)), random),
      // Half of these with stride 1, for which it computes in blocks.
      depthwiseConv2d(row(random() < 0.5 ? 1 : integer(2, 4)), random),
      maxPool2d(1, pooled, window, integer(1, 4), 'random', random),
      adaptiveMaxPool2d(1, map(), [integer(1, 9), integer(1, 9)], 'random', random),
      globalAvgPool(1, map(), random),
      leakyRelu(integer(1, 100), random(), random),
    ];
  }).flat();
}

export const TABLE: readonly Sample[] = table();
export const SWEEP: readonly Sample[] = sweep();

/**
 * The contracts of the ops of the fused network: the inputs that each accepts, and the shape of
 * its output. A backend checks them once, before its kernels run. The reference has its own
 * rules, so that tests detect a mistake in either.
 */
import { isRecord, show, tagOf } from './check.js';
import { ParamError, ShapeError } from './errors.js';
import { convSize } from './shapes.js';
import { formatShape, sizeOf, type Tensor } from './tensor.js';

type Shape = readonly number[];

/** Images [n,c,h,w]. */
export type Shape4 = readonly [n: number, c: number, h: number, w: number];

/** `padding` zeros are added on all four sides. */
export interface ConvParams {
  readonly stride: number;
  readonly padding: number;
}

/** Square windows without padding; incomplete windows are left out. */
export interface MaxPoolParams {
  readonly kernel_size: number;
  readonly stride: number;
}

export interface AdaptiveMaxPoolParams {
  readonly output_size: readonly [height: number, width: number];
}

const countsOnly = (shape: Shape): boolean => shape.every((size) => Number.isSafeInteger(size) && size >= 1);

const isFloats = (data: unknown): boolean =>
  ArrayBuffer.isView(data) && ['Float32Array', 'Float64Array'].includes(tagOf(data));

/**
 * The shape of an operand: a caller without types may pass anything.
 *
 * @throws ShapeError unless it is a tensor
 */
export function operandShape(op: string, name: string, tensor: Tensor): readonly number[] {
  const { data, shape } = (isRecord(tensor) ? tensor : {}) as Partial<Tensor>;
  if (!isFloats(data) || !Array.isArray(shape) || !shape.every((size) => typeof size === 'number')) {
    const got = data === undefined ? show(tensor) : `${tagOf(data)} of shape ${show(shape)}`;
    throw new ShapeError({ op, expected: `${name}, a tensor { data, shape } of floats`, got });
  }
  return [...shape];
}

function fourSizes(op: string, tensor: string, shape: Shape, letters: string): Shape4 {
  if (shape.length !== 4 || !countsOnly(shape)) {
    throw new ShapeError({
      op,
      expected: `${tensor} of shape [${letters}], every size at least 1`,
      got: `${tensor} ${formatShape(shape)}`,
    });
  }
  return [shape[0], shape[1], shape[2], shape[3]];
}

/** The largest stride or padding: h + 2·padding must fit into 32 bits. */
const LARGEST = 2 ** 24;

function integer(op: string, param: string, value: number, min: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > LARGEST) {
    throw new ParamError({
      op,
      expected: `${param} an integer from ${min} to ${LARGEST}`,
      got: `${param} ${show(value)}`,
    });
  }
}

function biasOf(op: string, bias: Shape | null, channels: number): void {
  if (bias !== null && (bias.length !== 1 || bias[0] !== channels)) {
    throw new ShapeError({ op, expected: `bias [${channels}] or null`, got: `bias ${formatShape(bias)}` });
  }
}

/** Height and width of the output of windows of kh x kw. */
function outputSize(
  op: string,
  x: Shape4,
  [kh, kw]: readonly [number, number],
  { stride, padding }: ConvParams,
): Shape {
  const [, , h, w] = x;
  if (h + 2 * padding < kh || w + 2 * padding < kw) {
    throw new ShapeError({
      op,
      expected: `a map of at least ${kh}x${kw}, the kernel`,
      got: `x ${formatShape(x)} with padding ${padding}: ${h + 2 * padding}x${w + 2 * padding}`,
    });
  }
  return [convSize(h, kh, stride, padding), convSize(w, kw, stride, padding)];
}

/**
 * Checks that a tensor has as many elements as its shape.
 * @throws ShapeError
 */
export function checkTensor(op: string, name: string, { data, shape }: Tensor): void {
  if (data.length !== sizeOf(shape)) {
    throw new ShapeError({
      op,
      expected: `${name} of ${sizeOf(shape)} elements for its shape ${formatShape(shape)}`,
      got: `${data.length} elements`,
    });
  }
}

/**
 * x [n,c,h,w], weight [k,c,kh,kw], bias [k] or null → [n,k,oh,ow],
 * oh = ⌊(h + 2·padding − kh)/stride⌋ + 1.
 * @throws ShapeError
 * @throws ParamError
 */
export function conv2dShape(x: Shape, weight: Shape, bias: Shape | null, params: ConvParams): Shape {
  const op = 'conv2d';
  const image = fourSizes(op, 'x', x, 'n,c,h,w');
  const [k, c, kh, kw] = fourSizes(op, 'weight', weight, 'k,c,kh,kw');
  integer(op, 'stride', params.stride, 1);
  integer(op, 'padding', params.padding, 0);
  if (image[1] !== c) {
    throw new ShapeError({
      op,
      expected: 'x channels equal to weight input channels',
      got: `x ${formatShape(x)}, weight ${formatShape(weight)}: ${image[1]} ≠ ${c}`,
    });
  }
  biasOf(op, bias, k);
  return [image[0], k, ...outputSize(op, image, [kh, kw], params)];
}

/**
 * x [n,c,h,w], weight [c,1,kh,kw], bias [c] or null → [n,c,oh,ow], sizes as in `conv2dShape`.
 * @throws ShapeError
 * @throws ParamError
 */
export function depthwiseConv2dShape(x: Shape, weight: Shape, bias: Shape | null, params: ConvParams): Shape {
  const op = 'depthwiseConv2d';
  const image = fourSizes(op, 'x', x, 'n,c,h,w');
  const [c, one, kh, kw] = fourSizes(op, 'weight', weight, 'c,1,kh,kw');
  integer(op, 'stride', params.stride, 1);
  integer(op, 'padding', params.padding, 0);
  if (image[1] !== c || one !== 1) {
    throw new ShapeError({
      op,
      expected: `weight [${image[1]},1,kh,kw], one kernel for each channel of x`,
      got: `x ${formatShape(x)}, weight ${formatShape(weight)}`,
    });
  }
  biasOf(op, bias, c);
  return [image[0], c, ...outputSize(op, image, [kh, kw], params)];
}

/**
 * x of any shape, λ in [0, 1] → the shape of x.
 * @throws ShapeError
 * @throws ParamError
 */
export function leakyReluShape(x: Shape, lambda: number): Shape {
  const op = 'leakyRelu';
  if (!countsOnly(x)) {
    throw new ShapeError({ op, expected: 'x with every size at least 1', got: `x ${formatShape(x)}` });
  }
  if (!(typeof lambda === 'number' && lambda >= 0 && lambda <= 1)) {
    throw new ParamError({ op, expected: 'lambda in [0, 1]', got: `lambda ${show(lambda)}` });
  }
  return x;
}

/**
 * x [n,c,h,w] → [n,c,oh,ow], oh = ⌊(h − kernel_size)/stride⌋ + 1.
 * @throws ShapeError
 * @throws ParamError
 */
export function maxPool2dShape(x: Shape, { kernel_size, stride }: MaxPoolParams): Shape {
  const op = 'maxPool2d';
  const image = fourSizes(op, 'x', x, 'n,c,h,w');
  integer(op, 'kernel_size', kernel_size, 1);
  integer(op, 'stride', stride, 1);
  return [image[0], image[1], ...outputSize(op, image, [kernel_size, kernel_size], { stride, padding: 0 })];
}

/**
 * x [n,c,h,w] → [n,c,...output_size].
 * @throws ShapeError
 * @throws ParamError
 */
export function adaptiveMaxPool2dShape(x: Shape, { output_size }: AdaptiveMaxPoolParams): Shape {
  const op = 'adaptiveMaxPool2d';
  if (!Array.isArray(output_size)) {
    throw new ParamError({ op, expected: 'output_size [height, width]', got: show(output_size) });
  }
  const [n, c] = fourSizes(op, 'x', x, 'n,c,h,w');
  integer(op, 'output_size[0]', output_size[0], 1);
  integer(op, 'output_size[1]', output_size[1], 1);
  return [n, c, output_size[0], output_size[1]];
}

/**
 * x [n,c,h,w] → [n,c,1,1].
 * @throws ShapeError
 */
export function globalAvgPoolShape(x: Shape): Shape {
  const [n, c] = fourSizes('globalAvgPool', 'x', x, 'n,c,h,w');
  return [n, c, 1, 1];
}

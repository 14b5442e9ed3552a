/** Cases of weights in fewer bits. The results are exact. */
import { quantize, scalesOf } from '../../src/io/int8.js';
import type { Tensor } from '../../src/core/tensor.js';
import type { Case, Expected } from '../vectors.js';
import { draw, fill } from './draw.js';
import { makeCase, type Results } from './makeCase.js';

/** Adding and subtracting it rounds to an integer, ties to even. */
const ROUNDER = 1.5 * 2 ** 52;

/** The nearest number with 11 bits and an exponent of at least −14, ties to even. */
function toFloat16(v: number): number {
  if (v === 0) return 0;
  const step = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(v))), -14) - 10);
  return (v / step + ROUNDER - ROUNDER) * step;
}

const exactly = (values: Tensor): Expected => ({ values, bound: { ...values, data: values.data.map(() => 0) } });

/** Integers from −127 to 127, and the scale of each row. @param rows 1 for one scale for all values */
function int8Of({ data, shape }: Tensor, rows: number, round?: (v: number) => number): Results {
  const scales = scalesOf(data, rows, 'weight');
  const values = new Int8Array(data.length);
  quantize(data, scales, values);
  const width = data.length / rows;
  const rounded =
    round === undefined
      ? Float32Array.from(values)
      : Float32Array.from(data, (v, i) => round(v / scales[Math.floor(i / width)]));
  return new Map([
    ['values', exactly({ data: rounded, shape })],
    [
      'scale',
      exactly({
        data: Float32Array.from({ length: shape[0] }, (_, i) => scales[rows === 1 ? 0 : i]),
        shape: [shape[0]],
      }),
    ],
  ]);
}

function int8Cases(): Case[] {
  // No value is near the middle of two steps, where the rounding of the quotient would decide.
  const shape = [4, 6, 3, 3];
  const drawn = draw(shape, 1);
  const rows = scalesOf(drawn.data, 4, 'weight');
  const weight = fill(shape, (i) => {
    const scale = rows[Math.floor(i / 54)];
    const steps = drawn.data[i] / scale;
    return Math.abs(Math.abs(steps % 1) - 0.5) < 0.01 ? 0 : drawn.data[i];
  });
  // The largest is 127/64: the scale is exactly 1/64, and half of the values are exactly between two steps.
  const ties = fill([2, 8], (i) => [127, 0.5, 1.5, -0.5, -2.5, 100.5, 7, -126.5][i % 8] / 64);
  const truncated = (v: number): number => Math.trunc(v);
  return [
    makeCase({
      ...{ name: 'quantize_int8/rows', op: 'quantize_int8', attributes: {} },
      inputs: { weight },
      outputs: int8Of(weight, 4),
      faults: [
        { name: 'one-scale', description: 'one scale for all channels', outputs: int8Of(weight, 1) },
        {
          name: 'truncated',
          description: 'quotients are truncated, not rounded',
          outputs: int8Of(weight, 4, truncated),
        },
      ],
    }),
    makeCase({
      ...{ name: 'quantize_int8/ties', op: 'quantize_int8', attributes: {} },
      inputs: { weight: ties },
      outputs: int8Of(ties, 2),
      faults: [
        {
          name: 'ties-up',
          description: 'ties are rounded up, not to even',
          outputs: int8Of(ties, 2, (v) => Math.floor(v + 0.5)),
        },
        {
          name: 'ties-away-from-zero',
          description: 'ties are rounded away from zero, not to even',
          outputs: int8Of(ties, 2, (v) => Math.sign(v) * Math.floor(Math.abs(v) + 0.5)),
        },
      ],
    }),
  ];
}

function float16Cases(): Case[] {
  // Normal and subnormal numbers, ties to even both ways, and the largest finite number.
  const ties = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -25, 3 * 2 ** -25, 65504, 60015, 2 ** -24, -(1 + 2 ** -11)];
  const drawn = draw([24], 2, -3, 3).data;
  const weight = fill([40], (i) => (i < 8 ? ties[i] : i < 32 ? drawn[i - 8] : drawn[i - 32] * 2 ** -16));
  const of = (round: (v: number) => number): Results =>
    new Map([['values', exactly({ data: Float32Array.from(weight.data, round), shape: weight.shape })]]);
  return [
    makeCase({
      ...{ name: 'round_float16/to-even', op: 'round_float16', attributes: {} },
      inputs: { weight },
      outputs: of(toFloat16),
      faults: [
        {
          name: 'flushed',
          description: 'subnormal numbers become zero',
          outputs: of((v) => (Math.abs(toFloat16(v)) < 2 ** -14 ? 0 : toFloat16(v))),
        },
      ],
    }),
  ];
}

export const quantizationCases = (): Case[] => [...int8Cases(), ...float16Cases()];

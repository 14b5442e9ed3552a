/** Compares what a port computes with the vectors. */
import type { Tensor } from '../src/core/tensor.js';
import { NotOffered, type Port, type Precision, type Tensors } from './port.js';
import type { Case, Expected } from './vectors.js';

/**
 * A bound relative to float32's. Bounds are sums of rounding errors, each in proportion to the unit roundoff: 2⁻²⁴, or
 * 2⁻⁵³ in float64, where the stored values, themselves of float64, may be off by as much again.
 */
const SCALES: Readonly<Record<Precision, number>> = { float32: 1, float64: 2 * 2 ** -29 };

/** A difference, relative to its bound: at most 1 if it is allowed. */
interface Distance {
  readonly ratio: number;
  readonly at: string;
}

export type Verdict =
  | { readonly kind: 'passes'; readonly ratio: number; readonly missing: readonly string[] }
  | { readonly kind: 'has fault'; readonly fault: string; readonly description: string }
  | { readonly kind: 'fails'; readonly at: string; readonly ratio: number }
  | { readonly kind: 'throws'; readonly message: string }
  | { readonly kind: 'not offered' };

/** 0 for equal values, also if the bound is 0 or both are NaN. */
function ratioOf(difference: number, bound: number): number {
  if (difference === 0) return 0;
  const ratio = difference / bound;
  return Number.isNaN(ratio) ? Infinity : ratio;
}

/** How far values are from others, relative to a bound for each of them or for the norm of their differences. */
export function distance(name: string, got: Tensor, values: Tensor, bound: Tensor, scale: number): Distance {
  if (got.data.length !== values.data.length) {
    return { ratio: Infinity, at: `${name}: ${got.data.length} values, not ${values.data.length}` };
  }
  const differences = Float64Array.from(got.data, (v, i) => Math.abs(v - values.data[i]));
  if (bound.shape.length === 0 && values.shape.length > 0) {
    return { ratio: ratioOf(Math.hypot(...differences), bound.data[0] * scale), at: name };
  }
  let worst = { ratio: 0, at: name };
  differences.forEach((difference, i) => {
    const ratio = ratioOf(difference, bound.data[i] * scale);
    if (ratio > worst.ratio) worst = { ratio, at: `${name}[${i}] = ${got.data[i]}, not ${values.data[i]}` };
  });
  return worst;
}

/** The largest distance of a port's outputs from others, of those that it has. */
function worstOf(got: Tensors, outputs: ReadonlyMap<string, Expected>, scale: number): Distance {
  const distances = [...got]
    .filter(([name]) => outputs.has(name))
    .map(([name, tensor]) => {
      const { values, bound } = outputs.get(name) as Expected;
      return distance(name, tensor, values, bound, scale);
    });
  return distances.reduce((worst, each) => (each.ratio > worst.ratio ? each : worst), { ratio: 0, at: '' });
}

/** What a port with a fault computes: the outputs that the fault changes, and the other ones. */
const faultyOutputs = ({ outputs, faults }: Case, fault: number): ReadonlyMap<string, Expected> =>
  new Map([...outputs, ...faults[fault].outputs]);

/** Judges outputs: right, right for a port with a known fault, or wrong. */
export function judgeOutputs(each: Case, got: Tensors, precision: Precision): Verdict {
  const scale = SCALES[precision];
  const { ratio, at } = worstOf(got, each.outputs, scale);
  const missing = [...each.outputs.keys()].filter((name) => !got.has(name));
  if (missing.length === each.outputs.size) return { kind: 'not offered' };
  if (ratio <= 1) return { kind: 'passes', ratio, missing };
  const fault = each.faults.findIndex((_, i) => worstOf(got, faultyOutputs(each, i), scale).ratio <= 1);
  if (fault < 0) return { kind: 'fails', ratio, at };
  return { kind: 'has fault', fault: each.faults[fault].name, description: each.faults[fault].description };
}

/** Runs one case. */
export async function judgeCase(port: Port, each: Case): Promise<Verdict> {
  if (!Object.hasOwn(port.functions, each.op)) return { kind: 'not offered' };
  try {
    return judgeOutputs(each, await port.functions[each.op](each.inputs, each.attributes), port.precision);
  } catch (error) {
    if (error instanceof NotOffered) return { kind: 'not offered' };
    return { kind: 'throws', message: error instanceof Error ? error.message : String(error) };
  }
}

/** Puts cases together, and checks that they can tell right from wrong. */
import type { Tensor } from '../../src/core/tensor.js';
import type { Verdict } from '../../test/wasm/judge.js';
import type { Attributes, Case, Expected, Fault } from '../vectors.js';

export type Results = ReadonlyMap<string, Expected>;

/** How much further than all bounds a fault must change its output, so that no right port is taken for a faulty one. */
const CLARITY = 8;

/** A result of the judges of this project. The bound is stored in float32: rounded, it must not become smaller. */
export function expectedOf({ exact, bound, shape }: Verdict): Expected {
  const upward = Float32Array.from(bound, (v) => (v === 0 ? 0 : Math.fround(v * (1 + 2 ** -22)) + 2 ** -149));
  return { values: { data: exact, shape }, bound: { data: upward, shape } };
}

export const resultsOf = (verdicts: Readonly<Record<string, Verdict>>): Results =>
  new Map(Object.entries(verdicts).map(([name, verdict]) => [name, expectedOf(verdict)]));

const largest = ({ data }: Tensor): number => Array.from(data).reduce((most, v) => Math.max(most, Math.abs(v)), 0);

/** Requires finite values, and bounds that are smaller than the values, unless these are all 0. */
function checkResults(name: string, results: Results): void {
  for (const [output, { values, bound }] of results) {
    const [signal, widest] = [largest(values), largest(bound)];
    if (!Number.isFinite(signal)) throw new Error(`${name}: ${output} is not finite`);
    if (!(widest < signal || signal === 0))
      throw new Error(`${name}: the bound ${widest} of ${output} is not smaller than ${signal}`);
  }
}

/** How much further than both bounds the outputs of a fault are from the right ones. */
function clarityOf(outputs: Results, fault: Results): number {
  const clarities = [...fault].map(([name, { values, bound }]) => {
    const right = outputs.get(name);
    if (right === undefined) throw new Error(`a fault in ${name}, which is no output`);
    const differences = Array.from(values.data, (v, i) => Math.abs(v - right.values.data[i]));
    if (bound.shape.length === 0 && values.shape.length > 0) {
      return Math.hypot(...differences) / (bound.data[0] + right.bound.data[0]);
    }
    return differences.reduce(
      (most, v, i) => Math.max(most, v === 0 ? 0 : v / (bound.data[i] + right.bound.data[i])),
      0,
    );
  });
  return Math.max(0, ...clarities);
}

export interface CaseParts {
  readonly name: string;
  readonly op: string;
  readonly attributes: Attributes;
  readonly inputs: Readonly<Record<string, Tensor>> | ReadonlyMap<string, Tensor>;
  readonly outputs: Results;
  readonly faults?: readonly Fault[];
}

export function makeCase({ name, op, attributes, inputs, outputs, faults = [] }: CaseParts): Case {
  checkResults(name, outputs);
  for (const fault of faults) {
    const clarity = clarityOf(outputs, fault.outputs);
    if (!(clarity >= CLARITY)) throw new Error(`${name}: ${fault.name} changes the outputs by ${clarity} bounds only`);
  }
  const all = inputs instanceof Map ? (inputs as ReadonlyMap<string, Tensor>) : new Map(Object.entries(inputs));
  return { name, op, attributes, inputs: all, outputs, faults };
}

import { readdirSync, readFileSync } from 'node:fs';
import { tensor, valuesOf, type Tensor } from '../../reference/index.js';
import { decodeSafetensors } from '../../src/io/safetensors.js';
import { Scalars, type OpSpec, type Reference, type Tensors } from './opSpec.js';

const FOLDER = new URL('../reference/golden/', import.meta.url);

export const goldenNames = (kind: 'ops' | 'variants'): string[] =>
  readdirSync(new URL(`${kind}/`, FOLDER))
    .filter((file) => file.endsWith('.safetensors'))
    .map((file) => file.replace('.safetensors', ''))
    .sort();

/** `S`: the type of the scalars of a case. */
export interface GoldenCase<S = Readonly<Record<string, unknown>>> {
  readonly scalars: S;
  readonly tensors: Tensors;
}

/** The cases of one file; see test/reference/golden/README.md for the format. */
export function readGolden<S = Readonly<Record<string, unknown>>>(
  kind: 'ops' | 'variants',
  name: string,
): GoldenCase<S>[] {
  const { tensors, metadata } = decodeSafetensors(readFileSync(new URL(`${kind}/${name}.safetensors`, FOLDER)), name);
  const cases = JSON.parse(metadata.get('cases') ?? '[]') as S[];
  return cases.map((scalars, i) => {
    const own = [...tensors].filter(([key]) => key.startsWith(`${i}.`));
    return {
      scalars,
      tensors: Object.fromEntries(
        own.map(([key, { data, shape }]) => [key.slice(`${i}.`.length), tensor(data, shape)]),
      ),
    };
  });
}

/** Tolerance of the reference: 1e-11 of the tensor's largest magnitude, or 1e-11 if that is zero. */
export const GOLDEN_TOLERANCE = 1e-11;

/** @throws Error with the first element outside the tolerance */
export function requireClose(what: string, got: Tensor | number, want: Tensor, largest?: number): void {
  const a = typeof got === 'number' ? Float64Array.of(got) : valuesOf(got);
  const b = valuesOf(want);
  if (a.length !== b.length) throw new Error(`${what}: ${a.length} values, golden has ${b.length}`);
  const magnitude = largest ?? b.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const tolerance = GOLDEN_TOLERANCE * (magnitude === 0 ? 1 : magnitude);
  a.forEach((v, i) => {
    // Written so that NaN fails.
    if (!(Math.abs(v - b[i]) <= tolerance)) {
      throw new Error(`${what}[${i}]: ${v}, golden ${b[i]}, off by ${Math.abs(v - b[i])} > ${tolerance}`);
    }
  });
}

/** Runs every golden case of an op: each stored tensor that is not an input must be computed, and match. */
export function judgeGoldens(ref: Reference, { op, golden }: OpSpec): void {
  if (golden === null) return;
  readGolden('ops', op).forEach(({ scalars, tensors }, i) => {
    const read = new Set<string>();
    const inputs = new Proxy(tensors, {
      get(target, key: string) {
        read.add(key);
        return target[key];
      },
    });
    const outputs = golden(ref, inputs, new Scalars(scalars));
    for (const [name, got] of Object.entries(outputs)) {
      if (!(name in tensors)) throw new Error(`${op} case ${i}: no golden tensor ${name}`);
      requireClose(`${op} case ${i} ${name}`, got, tensors[name]);
    }
    const unused = Object.keys(tensors).filter((name) => !read.has(name) && !(name in outputs));
    if (unused.length > 0) throw new Error(`${op} case ${i}: ${unused.join(', ')} not compared`);
  });
}

/** The public functions of an entry as targets: none may be missing. */
import type { Random } from './random.js';
import { callable, type Target, type Traits } from './target.js';

type AnyFunction = (...values: never[]) => unknown;

/** The names of the exports that can be called: not classes, which need `new`. */
type FunctionName<Module> = { [K in keyof Module]: Module[K] extends AnyFunction ? K : never }[keyof Module] & string;

/** Valid arguments of a function; or with traits of its target. */
export type Draw<F> = F extends AnyFunction
  ? DrawArguments<F> | { readonly draw: DrawArguments<F>; readonly traits: Traits }
  : never;

type DrawArguments<F extends AnyFunction> = (random: Random) => Parameters<F> | Promise<Parameters<F>>;

/** How the functions of a module are called. `test/fuzz/targets.test.ts` fails for one that is missing. */
export type Draws<Module> = { readonly [K in FunctionName<Module>]?: Draw<Module[K]> };

/** The targets of the functions of an entry. */
export function entryTargets<Module extends object>(
  entry: string,
  module: Module,
  draws: Draws<Module>,
  common: Traits = {},
): Target[] {
  const functions = module as Readonly<Record<string, AnyFunction>>;
  return Object.entries(draws as Readonly<Record<string, Draw<AnyFunction>>>).map(([name, each]) => {
    const { draw, traits } = typeof each === 'function' ? { draw: each, traits: {} } : each;
    return callable(`${entry}.${name}`, functions[name], draw, { ...common, ...traits });
  });
}

const isClass = (value: unknown): boolean => /^class\b/.test(Function.prototype.toString.call(value));

/** The names of the functions that a module exports. */
export const functionsOf = (module: object): string[] =>
  Object.entries(module)
    .filter(([, value]) => typeof value === 'function' && !isClass(value))
    .map(([name]) => name);

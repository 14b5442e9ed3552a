import type { Tf, TfTensor } from './tf.js';

/** Marks a tensor to outlive the scope in which it was created, and returns it. */
export type KeepTensor = <T extends TfTensor>(x: T) => T;

/**
 * Runs a function in `tf.tidy`, which disposes of all tensors that it creates except those marked by `keep`, and returns
 * its result, which may be of any type. If the function throws, no tensor is left: `tf.keep` is called only afterwards.
 */
export function runInScope<T>(tf: Tf, run: (keep: KeepTensor) => T): T {
  const results: T[] = [];
  const tensors: TfTensor[] = [];
  tf.tidy(() => {
    results.push(
      run((x) => {
        tensors.push(x);
        return x;
      }),
    );
    return tensors;
  });
  // Protects them from a scope of the caller, too.
  for (const x of tensors) tf.keep(x);
  return results[0];
}

export const keepAll = (keep: KeepTensor, tensors: ReadonlyMap<string, TfTensor>): Map<string, TfTensor> =>
  new Map([...tensors].map(([name, tensor]) => [name, keep(tensor)]));

/** Like `Promise.all`, but waits until all have settled before it throws: then the tensors can be disposed of. */
export async function awaitAll<T>(reads: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(reads);
  return Promise.all(reads);
}

import type { Tf, TfTensor } from './tf.js';

/** Lets a tensor outlive the scope it was made in. */
export type Keep = <T extends TfTensor>(x: T) => T;

/**
 * What `run` answers with, within `tf.tidy`, which itself lets only tensors through. Where `run` throws,
 * nothing is left: what `tf.keep` had kept until then would be nobody's.
 */
export function scope<T>(tf: Tf, run: (keep: Keep) => T): T {
  const answers: T[] = [];
  const kept: TfTensor[] = [];
  tf.tidy(() => {
    answers.push(
      run((x) => {
        kept.push(x);
        return x;
      }),
    );
    return kept;
  });
  // Not even a scope that the caller has begun takes them.
  for (const x of kept) tf.keep(x);
  return answers[0];
}

export const keepAll = (keep: Keep, tensors: ReadonlyMap<string, TfTensor>): Map<string, TfTensor> =>
  new Map([...tensors].map(([name, tensor]) => [name, keep(tensor)]));

/** All answers, or the first error; in any case not before the last has come, so that what was read can be freed. */
export async function settled<T>(reads: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(reads);
  return Promise.all(reads);
}

let taken = 0;

/**
 * Runs a job in one of `depth` places, or what is to be done where none is free. Jobs run one after another
 * anyway, as there is one thread and the model queues its calls; what has to be bounded is how many bodies
 * wait for it in memory.
 *
 * A number, not a chain of promises: a request that is cut off never settles its promises, and those
 * behind it would wait for ever. (The Worker keeps the request going until its place is given back.)
 */
export async function inPlace<T>(depth: number, job: () => Promise<T>, full: () => Promise<never>): Promise<T> {
  if (taken >= depth) return full();
  taken++;
  try {
    return await job();
  } finally {
    taken--;
  }
}

/** Images at a time, each of them whole in memory: sharp has four threads, and should not wait for us. */
export const MAX_CONCURRENT = 8;

/**
 * Does something for 0, 1, … count - 1, so many at a time: the next begins as soon as one ends.
 * After a failure none begins any more; the error comes when those begun have ended too, so
 * that none of them writes where somebody else does by then.
 */
export async function mapConcurrent(count: number, most: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const line = async (): Promise<void> => {
    while (next < count) {
      try {
        await work(next++);
      } catch (error) {
        next = count;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(most, count) }, line));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

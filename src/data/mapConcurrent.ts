/** Images that are decoded at a time: enough to keep sharp's four threads busy. Each is in memory in its original size. */
export const MAX_CONCURRENT = 8;

/**
 * Calls `work` for 0, 1, … count - 1, at most `limit` calls at a time: the next starts as soon as one has ended. After
 * an error no more calls start; the error is thrown when all running calls have ended, so that none of them writes to
 * memory that the caller has reused.
 */
export async function mapConcurrent(count: number, limit: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      try {
        await work(next++);
      } catch (error) {
        next = count;
        throw error;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: Math.min(limit, count) }, worker));
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

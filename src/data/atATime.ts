/**
 * Does something for 0, 1, … count - 1, so many at a time: the next begins as soon as one ends.
 * After a failure none begins any more.
 */
export async function atATime(count: number, most: number, work: (i: number) => Promise<void>): Promise<void> {
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
  await Promise.all(Array.from({ length: Math.min(most, count) }, line));
}

/** What a call throws or rejects with; null if it succeeds. */
export async function failure(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return null;
  } catch (error) {
    return error;
  }
}

/** The message of a thrown value. Does not use `instanceof Error`, which fails for errors of another realm. */
export const messageOf = (cause: unknown): string =>
  String((cause as Partial<Error> | null | undefined)?.message ?? cause);

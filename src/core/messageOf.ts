/** The message of a thrown value. `instanceof Error` fails for errors of another realm, so none is needed. */
export const messageOf = (cause: unknown): string =>
  String((cause as Partial<Error> | null | undefined)?.message ?? cause);

/** What went wrong, as whatever was thrown tells it. Not by its class: an error of another realm has another. */
export const messageOf = (cause: unknown): string =>
  String((cause as Partial<Error> | null | undefined)?.message ?? cause);

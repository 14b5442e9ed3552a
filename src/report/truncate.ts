/** Text of at most `length` characters, with an ellipsis if it was longer. */
export const truncate = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;

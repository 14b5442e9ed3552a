/** Summaries of repeated measurements. */

export const sum = (values: readonly number[]): number => values.reduce((total, v) => total + v, 0);

/** Rounds to four digits, more than the measurements are accurate to. */
export const rounded = (value: number): number => Number(value.toPrecision(4));

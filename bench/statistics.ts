/** What many measurements of one thing say. */

export const sum = (values: readonly number[]): number => values.reduce((total, v) => total + v, 0);

/** Four digits, which is more than any of these numbers is good for. */
export const rounded = (value: number): number => Number(value.toPrecision(4));

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const largest = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);

/** The largest difference relative to the largest magnitude in `right`. Infinity for NaN or different lengths. */
export function difference(values: readonly number[], right: readonly number[]): number {
  if (values.length !== right.length) return Infinity;
  const far = largest(values.map((v, i) => v - right[i])) / largest(right);
  return Number.isNaN(far) ? Infinity : far;
}

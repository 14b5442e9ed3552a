/** A share in [0, 1] as a percentage with one decimal. */
export const formatPercent = (share: number): string => `${(100 * share).toFixed(1)}%`;

/** A share in [0, 1] as a percentage. @param digits decimals */
export const formatPercent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)}%`;

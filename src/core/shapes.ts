/**
 * Shape rules of the network. The reference derives its shapes from its own rules,
 * so that tests detect a mistake in either.
 */
export type Size = readonly [height: number, width: number];

/** ⌊(in + 2·padding − kernel) / stride⌋ + 1 */
export const convSize = (size: number, kernel: number, stride: number, padding: number): number =>
  Math.floor((size + 2 * padding - kernel) / stride) + 1;

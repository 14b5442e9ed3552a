/** The bytes of an integer in [0, 2^53), the lowest first. */
export const littleEndian = (value: number, width: number): number[] =>
  Array.from({ length: width }, (_, i) => Math.floor(value / 256 ** i) % 256);

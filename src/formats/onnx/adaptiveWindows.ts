/** The windows along one axis of an adaptive pool, each as wide as the widest. */
export interface AdaptiveWindows {
  readonly width: number;
  /** The elements of each window, one window after the other. */
  readonly indices: readonly number[];
}

/**
 * The windows of an adaptive pool of n elements to `size`: window i begins at ⌊i·n/size⌋ and ends before
 * ⌈(i+1)·n/size⌉. In a shorter window the last element is repeated, which keeps its maximum.
 */
export function adaptiveWindows(n: number, size: number): AdaptiveWindows {
  const starts = Array.from({ length: size }, (_, i) => Math.floor((i * n) / size));
  const ends = starts.map((_, i) => Math.ceil(((i + 1) * n) / size));
  const width = starts.reduce((widest, start, i) => Math.max(widest, ends[i] - start), 0);
  const indices = starts.flatMap((start, i) =>
    Array.from({ length: width }, (_, j) => Math.min(start + j, ends[i] - 1)),
  );
  return { width, indices };
}

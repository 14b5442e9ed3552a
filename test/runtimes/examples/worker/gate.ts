/** Delays reads of the weights until a test allows them. */
export interface Gate {
  /** Number of reads so far. */
  readonly reads: () => number;
  /** Allows the nth read, counted from 0. */
  readonly open: (nth: number) => void;
  readonly pass: () => Promise<void>;
}

export function closedGate(): Gate {
  const waiting: (() => void)[] = [];
  return {
    reads: () => waiting.length,
    open: (nth) => {
      waiting[nth]();
    },
    pass: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
      }),
  };
}

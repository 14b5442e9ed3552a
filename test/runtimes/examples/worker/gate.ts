/** Weights that come when a test says so. */
export interface Gate {
  /** How often they were asked for. */
  readonly asked: () => number;
  /** Lets those through who asked as the nth, from 0 on. */
  readonly open: (nth: number) => void;
  readonly pass: () => Promise<void>;
}

export function closedGate(): Gate {
  const waiting: (() => void)[] = [];
  return {
    asked: () => waiting.length,
    open: (nth) => {
      waiting[nth]();
    },
    pass: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
      }),
  };
}

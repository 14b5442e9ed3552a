import util from 'node:util';

interface Older {
  isNullOrUndefined?: (value: unknown) => boolean;
  isArray?: (value: unknown) => boolean;
}

/**
 * Gives `node:util` back what Node 23 took from it and tfjs-node 4.22.0 still calls
 * (tensorflow/tfjs#8609). To be called before tfjs-node is imported.
 */
export function mendNodeUtil(): void {
  const older = util as Older;
  older.isNullOrUndefined ??= (value) => value === null || value === undefined;
  older.isArray ??= Array.isArray;
}

import util from 'node:util';

interface RemovedFunctions {
  isNullOrUndefined?: (value: unknown) => boolean;
  isArray?: (value: unknown) => boolean;
}

/**
 * Restores functions of `node:util` that Node 23 removed and tfjs-node 4.22.0 still calls (tensorflow/tfjs#8609).
 * Call it before importing tfjs-node.
 */
export function mendNodeUtil(): void {
  const removed = util as RemovedFunctions;
  removed.isNullOrUndefined ??= (value) => value === null || value === undefined;
  removed.isArray ??= Array.isArray;
}

import { DataError } from '../../core/errors.js';
import { MAX_DEPTH } from './memberNames.js';

/** Paths that lead to one folder. Links to folders with links to folders would make their number grow without a bound. */
export const MAX_PATHS = 100;

/** A link that leads nowhere, for `got` in an error. */
export const LINK_TO_ABOVE = 'one to a folder that it is in';

export const BROKEN_LINK_HINT = 'Restore what it leads to, or remove the link.';

/** Bounds a walk through folders that follows links. */
export class FolderWalk {
  /** How often each folder was entered, by its identity. */
  private readonly counts = new Map<string, number>();

  /** @param path the archive or folder, for errors */
  constructor(private readonly path: string) {}

  /**
   * @param identity the same for all paths that lead to the folder
   * @param prefix the path that leads to it now, which ends with '/'
   * @param depth folders above it
   * @throws DataError for a folder that is too deep, or that too many paths lead to
   */
  enter(identity: string, prefix: string, depth: number): void {
    const op = `${this.path}: ${prefix}`;
    if (depth > MAX_DEPTH) {
      const hint = 'Move the pictures further up.';
      throw new DataError({ op, expected: `at most ${MAX_DEPTH} levels of folders`, got: 'more', hint });
    }
    const count = (this.counts.get(identity) ?? 0) + 1;
    if (count > MAX_PATHS) {
      const hint = 'Remove links to this folder, or to folders above it.';
      throw new DataError({ op, expected: `at most ${MAX_PATHS} paths to a folder, through links`, got: 'more', hint });
    }
    this.counts.set(identity, count);
  }
}

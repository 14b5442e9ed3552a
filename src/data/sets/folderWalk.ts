import { DataError } from '../../core/errors.js';
import { MAX_DEPTH, SHOWN_LENGTH } from './memberNames.js';

/** Paths that lead to one folder. Links to folders with links to folders would make their number grow without a bound. */
export const MAX_PATHS = 100;

/**
 * Names in folders that were entered before by another path, and their characters: what links add to the names that are
 * stored. A folder of 1.28 million pictures behind one link adds none.
 */
export const MAX_REPEATED_NAMES = 1_000_000;
export const MAX_REPEATED_CHARACTERS = 100_000_000;

/** A link that leads nowhere, for `got` in an error. */
export const LINK_TO_ABOVE = 'one to a folder that it is in';

export const BROKEN_LINK_HINT = 'Restore what it leads to, or remove the link.';

/** Bounds a walk through folders that follows links. */
export class FolderWalk {
  /** How often each folder was entered, by its identity. */
  private readonly counts = new Map<string, number>();
  private repeatedNames = 0;
  private repeatedCharacters = 0;

  /** @param path the archive or folder, for errors */
  constructor(private readonly path: string) {}

  /**
   * @param identity the same for all paths that lead to the folder
   * @param prefix the path that leads to it now, which ends with '/'
   * @param depth folders above it
   * @returns whether another path led to the folder before
   * @throws DataError for a folder that is too deep, or that too many paths lead to
   */
  enter(identity: string, prefix: string, depth: number): boolean {
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
    return count > 1;
  }

  /**
   * Counts a name in a folder that was entered before.
   *
   * @throws DataError for too many of them
   */
  addRepeated(name: string): void {
    this.repeatedNames++;
    this.repeatedCharacters += name.length;
    const refuse = (limit: number, what: string): never => {
      const hint = 'Remove links to folders that are in it already.';
      const expected = `at most ${limit} ${what} that links repeat`;
      throw new DataError({ op: `${this.path}: ${name.slice(0, SHOWN_LENGTH)}`, expected, got: 'more', hint });
    };
    if (this.repeatedNames > MAX_REPEATED_NAMES) refuse(MAX_REPEATED_NAMES, 'names');
    if (this.repeatedCharacters > MAX_REPEATED_CHARACTERS) refuse(MAX_REPEATED_CHARACTERS, 'characters of names');
  }
}

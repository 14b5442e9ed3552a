import type { Location } from '@stryker-mutator/api/core';

/** A mutant as people read it: it stays the same when lines are added above it. */
export interface Survivor {
  /** The source line where the mutant begins. */
  readonly line: string;
  /** The code, and what the mutant has instead. */
  readonly mutant: string;
}

/** @param lines the source; lines and columns of the location are counted from 0 */
export function survivorAt({ start, end }: Location, replacement: string, lines: readonly string[]): Survivor {
  const covered = lines.slice(start.line, end.line + 1);
  covered[covered.length - 1] = covered[covered.length - 1].slice(0, end.column);
  covered[0] = covered[0].slice(start.column);
  const brief = (code: string) =>
    code
      .replace(/\s+/g, ' ')
      .trim()
      .replace(/^(.{100}).+$/, '$1…');
  return { line: brief(lines[start.line]), mutant: `${brief(covered.join(' '))} → ${brief(replacement)}` };
}

export const keyOf = ({ line, mutant }: Survivor): string => `${line}\n${mutant}`;

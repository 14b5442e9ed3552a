import { describe } from '@jest/globals';
import { existsSync } from 'node:fs';

/** The data folder beside the project, if there is one. */
export const SHARED = '../shared/data';

/** `describe` if the files exist; otherwise skipped with the reason. */
export function describeWith(files: readonly string[], title: string, tests: () => void): void {
  const missing = files.filter((file) => !existsSync(`${SHARED}/${file}`));
  if (missing.length === 0) {
    describe(title, tests);
    return;
  }
  const reason = `skipped: no ${missing.join(', ')} in ${SHARED}`;
  process.stderr.write(`${title}: ${reason}\n`);
  describe.skip(`${title} (${reason})`, tests);
}

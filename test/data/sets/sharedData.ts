import { describe } from '@jest/globals';
import { existsSync } from 'node:fs';

/** The folder of data that lies beside the project, where it does. */
export const SHARED = '../shared/data';

/** `describe` where the files are there; where not, skipped, and it says why. */
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

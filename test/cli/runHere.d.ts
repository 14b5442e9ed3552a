import type { Outcome } from './commandLine.js';

export declare function runHere(
  main: (argv: readonly string[]) => Promise<void>,
  args: readonly string[],
  cwd: string,
  options?: { readonly terminal?: boolean },
): Promise<Outcome>;

import { command } from './command.js';
import { onPath } from './onPath.js';
import { LackError } from './setupError.js';

/** The tools that a build needs besides a compiler. */
export interface Needs {
  /** Unpacks wheels. */
  readonly python: boolean;
  /** Downloads wheels. */
  readonly pip: boolean;
}

export interface Tools {
  readonly compiler: string;
  /** Empty if it is not needed. */
  readonly python: string;
}

const ALTERNATIVE = 'or pass a folder with include/ and lib/ by --libtensorflow';

/** Finds the tools, and collects an error for each that is missing. */
export async function findTools(needs: Needs, env = process.env): Promise<{ tools: Tools; missing: LackError[] }> {
  const missing: LackError[] = [];
  const named = env['CXX'];
  const compiler = onPath(named === undefined || named === '' ? ['c++', 'g++', 'clang++'] : [named], env);
  if (compiler === undefined) {
    const expected = 'a C++ compiler: c++, g++ or clang++ on the PATH, or one named by CXX';
    const hint = 'Install one: apt-get install g++.';
    const got = named ? `CXX=${named}, which does not exist` : 'none';
    missing.push(new LackError({ op: 'compiler', expected, got, hint }));
  }
  const python = needs.python || needs.pip ? onPath(['python3', 'python'], env) : '';
  if (python === undefined) {
    const hint = `Install it: apt-get install python3 python3-pip, ${ALTERNATIVE}.`;
    missing.push(new LackError({ op: 'python', expected: 'python3 on the PATH', got: 'none', hint }));
  } else if (needs.pip) {
    const { status, output } = await command(python, ['-m', 'pip', '--version'], { env });
    if (status !== 0) {
      const hint = `Install it: apt-get install python3-pip, ${ALTERNATIVE}.`;
      missing.push(new LackError({ op: 'pip', expected: `pip of ${python}`, got: output.trim(), hint }));
    }
  }
  return { tools: { compiler: compiler ?? '', python: python ?? '' }, missing };
}

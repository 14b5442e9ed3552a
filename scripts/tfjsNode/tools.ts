import { command } from './command.js';
import { onPath } from './onPath.js';
import { LackError } from './setupError.js';

/** What a way of building needs of the machine. */
export interface Needs {
  /** To unpack wheels. */
  readonly python: boolean;
  /** To download them. */
  readonly pip: boolean;
}

export interface Tools {
  readonly compiler: string;
  /** Empty where none is needed. */
  readonly python: string;
}

const AROUND = 'or pass --libtensorflow a folder with include/ and lib/';

/** Finds what is needed, and tells all that is missing. */
export async function findTools(needs: Needs, env = process.env): Promise<{ tools: Tools; missing: LackError[] }> {
  const missing: LackError[] = [];
  const named = env['CXX'];
  const compiler = onPath(named === undefined || named === '' ? ['c++', 'g++', 'clang++'] : [named], env);
  if (compiler === undefined) {
    const expected = 'a C++ compiler: c++, g++ or clang++ on the PATH, or one named by CXX';
    const remedy = 'Install one: apt-get install g++';
    missing.push(new LackError({ op: 'compiler', expected, got: named ? `CXX=${named}, not there` : 'none', remedy }));
  }
  const python = needs.python || needs.pip ? onPath(['python3', 'python'], env) : '';
  if (python === undefined) {
    const remedy = `Install it: apt-get install python3 python3-pip; ${AROUND}`;
    missing.push(new LackError({ op: 'python', expected: 'python3 on the PATH', got: 'none', remedy }));
  } else if (needs.pip) {
    const { status, output } = await command(python, ['-m', 'pip', '--version'], { env });
    if (status !== 0) {
      const remedy = `Install it: apt-get install python3-pip; or pass --libtensorflow a wheel, ${AROUND}`;
      missing.push(new LackError({ op: 'pip', expected: `pip of ${python}`, got: output.trim(), remedy }));
    }
  }
  return { tools: { compiler: compiler ?? '', python: python ?? '' }, missing };
}

import { spawnSync } from 'node:child_process';

/** Whether an interpreter of Python has a package. */
export const hasPackage = (interpreter: string, name: string): boolean =>
  spawnSync(interpreter, ['-c', `import importlib.util as u, sys; sys.exit(u.find_spec("${name}") is None)`]).status ===
  0;

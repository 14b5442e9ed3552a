/** Runs commands in this process, one at a time. */

const NAMES = ['stdout', 'stderr'];
/** Outside of the folders of the tests: Windows does not remove the working folder of a process. */
const START = process.cwd();

/** The command that runs now, or has run last. */
let last = Promise.resolve();

/** @param main `main` of src/cli/program.ts, or of its build */
export function runHere(main, args, cwd, { terminal = false } = {}) {
  const outcome = last.then(() => run(main, args, cwd, terminal));
  last = outcome.catch(() => undefined);
  return outcome;
}

async function run(main, args, cwd, terminal) {
  const output = { stdout: '', stderr: '' };
  const kept = Object.fromEntries(NAMES.map((name) => [name, process[name].write]));
  const { isTTY } = process.stderr;
  for (const name of NAMES) {
    process[name].write = (text, ...rest) => {
      output[name] += text;
      // `rest` may begin with an encoding.
      const callback = rest.pop();
      if (typeof callback === 'function') callback();
      return true;
    };
  }
  process.stderr.isTTY = terminal;
  process.chdir(cwd);
  process.exitCode = undefined;
  try {
    await main([process.execPath, 'vanillanet', ...args]);
  } catch (error) {
    output.stderr += error.stack;
    process.exitCode = 1;
  } finally {
    process.chdir(START);
    process.stderr.isTTY = isTTY;
    Object.assign(process.stdout, { write: kept.stdout });
    Object.assign(process.stderr, { write: kept.stderr });
  }
  const status = process.exitCode ?? 0;
  process.exitCode = undefined;
  return { status, ...output };
}

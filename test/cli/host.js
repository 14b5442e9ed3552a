/** Runs commands in one process: receives arguments and folders, sends outcomes. */
import { main } from '../../dist/src/cli/program.js';

const output = { stdout: '', stderr: '' };
for (const stream of ['stdout', 'stderr']) {
  process[stream].write = (text, ...rest) => {
    output[stream] += text;
    // `rest` may begin with an encoding.
    const callback = rest.pop();
    if (typeof callback === 'function') callback();
    return true;
  };
}

/** Outside of the folders of the tests: Windows does not remove the working folder of a process. */
const START = process.cwd();

process.on('message', async ({ args, cwd }) => {
  process.chdir(cwd);
  process.exitCode = undefined;
  for (const stream of ['stdout', 'stderr']) output[stream] = '';
  try {
    await main([process.execPath, 'vanillanet', ...args]);
  } catch (error) {
    output.stderr += error.stack;
    process.exitCode = 1;
  }
  process.chdir(START);
  process.send({ status: process.exitCode ?? 0, ...output });
});

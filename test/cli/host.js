/** The built command line in a process that outlives a command; it is sent arguments and folders, and answers. */
import { main } from '../../dist/src/cli/program.js';

const said = { stdout: '', stderr: '' };
for (const stream of ['stdout', 'stderr']) {
  process[stream].write = (text, ...rest) => {
    said[stream] += text;
    // After an encoding, or not.
    const written = rest.pop();
    if (typeof written === 'function') written();
    return true;
  };
}

process.on('message', async ({ args, cwd }) => {
  process.chdir(cwd);
  process.exitCode = undefined;
  for (const stream of ['stdout', 'stderr']) said[stream] = '';
  try {
    await main([process.execPath, 'vanillanet', ...args]);
  } catch (error) {
    said.stderr += error.stack;
    process.exitCode = 1;
  }
  process.send({ status: process.exitCode ?? 0, ...said });
});

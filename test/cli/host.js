/** Runs commands in one process: receives arguments and folders, sends outcomes. */
import { main } from '../../dist/src/cli/program.js';
import { runHere } from './runHere.js';

process.on('message', async ({ args, cwd }) => {
  process.send(await runHere(main, args, cwd));
});

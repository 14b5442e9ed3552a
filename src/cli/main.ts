#!/usr/bin/env node
import { guardOutput } from './output.js';
import { FAILURE, main } from './program.js';

const output = guardOutput();
// At the exit, because errors of pipes arrive later than the writes that cause them.
process.on('exit', (status) => {
  if (status === 0 && output.failure() !== null) process.exitCode = FAILURE;
});

await main(process.argv);

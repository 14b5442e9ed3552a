#!/usr/bin/env node
import { main } from './program.js';

// Whoever reads our output may have heard enough, as `head` has. What was asked for is
// done all the same: exiting here would throw a finished training away.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

await main(process.argv);

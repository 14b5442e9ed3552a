#!/usr/bin/env node
import { main } from './program.js';

// Whoever reads our output may have heard enough, as `head` has, or be gone, as a terminal
// that was closed (EIO). What was asked for is done all the same: exiting here would throw a
// finished training away.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

await main(process.argv);

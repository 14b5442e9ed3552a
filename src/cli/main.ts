#!/usr/bin/env node
import { main } from './program.js';

// The reader of the output may be gone: `head` closes its pipe (EPIPE), a closed terminal gives EIO. The command
// continues, because exiting here would lose a finished training.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

await main(process.argv);

/** Builds tfjs-node in engines/, outside the project's own packages: see docs/tfjs-node.md. */
import { commandLine } from './tfjsNode/commandLine.js';

process.exitCode = await commandLine(process.argv.slice(2), { say: console.log, complain: console.error });

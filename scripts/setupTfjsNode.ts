/** Builds tfjs-node in engines/, apart from the project's node_modules: see docs/tfjs-node.md. */
import { commandLine } from './tfjsNode/commandLine.js';

process.exitCode = await commandLine(process.argv.slice(2), { log: console.log, logError: console.error });

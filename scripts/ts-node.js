// Lets `node --import ./scripts/ts-node.js file.ts` run TypeScript through ts-node.
import { register } from 'node:module';
import { pathToFileURL } from 'node:url';

register('ts-node/esm', pathToFileURL('./'));

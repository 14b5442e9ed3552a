/** Node trains. */
import { trainedBy } from './training.mjs';

console.log(JSON.stringify(await trainedBy(['oracle', 'wasm'])));

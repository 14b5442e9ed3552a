/** Training in Node. */
import { weightsOf } from './training.mjs';

console.log(JSON.stringify(await weightsOf(['oracle', 'wasm'])));

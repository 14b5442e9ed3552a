import { bytes as relaxed } from '#wasm/relaxed';
import type { Build } from '../../src/wasm/build.js';
import { validates } from '../../src/wasm/module.js';

/** The builds that run here: relaxed needs Node 22. */
export const BUILDS: readonly Build[] = validates(relaxed) ? ['plain', 'relaxed'] : ['plain'];

import { defineConfig, globalIgnores } from 'eslint/config';
import root from '../../eslint.config.js';

/** Globals of the runtimes that the programs use. */
const GLOBALS = [
  'Buffer',
  'Response',
  'URL',
  'addEventListener',
  'caches',
  'console',
  'fetch',
  'performance',
  'process',
];

// The rules of the root, whose own run ignores this folder. Its ignore pattern for examples/ is meant for other folders.
export default defineConfig(root, globalIgnores(['!examples/*/']), {
  files: ['programs/**'],
  languageOptions: { globals: Object.fromEntries(GLOBALS.map((name) => [name, 'readonly'])) },
});

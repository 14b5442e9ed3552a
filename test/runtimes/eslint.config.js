import { defineConfig, globalIgnores } from 'eslint/config';
import root from '../../eslint.config.js';

/** What the programs use of their runtimes. */
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

// The rules are the root's, which itself leaves this folder out. The examples/ that it also leaves out are others.
export default defineConfig(root, globalIgnores(['!examples/*/']), {
  files: ['programs/**'],
  languageOptions: { globals: Object.fromEntries(GLOBALS.map((name) => [name, 'readonly'])) },
});

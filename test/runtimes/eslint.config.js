import { defineConfig } from 'eslint/config';
import root from '../../eslint.config.js';

/** What the programs use of their runtimes. */
const GLOBALS = ['Buffer', 'Response', 'URL', 'addEventListener', 'console', 'fetch', 'performance', 'process'];

// The rules are the root's, which itself leaves this folder out.
export default defineConfig(root, {
  files: ['programs/**'],
  languageOptions: { globals: Object.fromEntries(GLOBALS.map((name) => [name, 'readonly'])) },
});

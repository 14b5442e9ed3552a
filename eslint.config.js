import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  // bench/peers, test/engines and test/runtimes have checks of their own: their packages are rarely installed.
  // The examples are other runtimes' programs, and are judged by running them there.
  globalIgnores([
    'dist/',
    'data/',
    'coverage/',
    'bench/peers/',
    'test/engines/',
    'test/runtimes/',
    'engines/',
    'examples/*/',
  ]),
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    ignores: ['assembly/**'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // The rest of an object without some of its keys.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      // Shapes, counters and values go into messages as they are.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    },
  },
  { files: ['**/*.js'], languageOptions: { globals: { process: 'readonly', console: 'readonly' } } },
);

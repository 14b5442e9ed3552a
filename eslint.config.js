import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  // These have checks of their own, as their packages are rarely installed; test/runtimes looks after the Worker.
  globalIgnores(['bench/peers/', 'test/engines/', 'test/runtimes/', 'examples/cloudflare-worker/']),
  globalIgnores(['dist/', 'data/', 'coverage/', 'engines/']),
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

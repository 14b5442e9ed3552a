import { defineConfig } from 'eslint/config';
import root from '../../eslint.config.js';

// The rules of the root for the Worker in examples/, which the root's own run ignores. Its packages are installed here.
export default defineConfig(
  root.filter((part) => 'files' in part || !('ignores' in part)),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: false, project: 'test/runtimes/tsconfig.json' } },
  },
);

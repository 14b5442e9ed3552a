import { defineConfig } from 'eslint/config';
import root from '../../eslint.config.js';

// The Worker in examples/ by the root's rules, which itself leaves it out; its packages are found from here.
export default defineConfig(
  root.filter((part) => 'files' in part || !('ignores' in part)),
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: false, project: 'test/runtimes/tsconfig.json' } },
  },
);

import { defineConfig } from 'eslint/config';
import root from '../../eslint.config.js';

// The rules are the root's, which itself leaves this folder out.
export default defineConfig(root);

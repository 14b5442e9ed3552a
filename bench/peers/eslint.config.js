import { defineConfig, globalIgnores } from 'eslint/config';
import root from '../../eslint.config.js';

// The rules of the root, whose own run ignores this folder.
export default defineConfig(root, globalIgnores(['models/']));

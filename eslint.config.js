import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const readonly = (names) => Object.fromEntries(names.map((name) => [name, 'readonly']));

/** Of these every engine has its own last digits; src/core/elementary.ts has the same everywhere. */
const INEXACT = [
  ...['exp', 'expm1', 'log', 'log1p', 'log2', 'log10', 'pow', 'cbrt', 'hypot', 'sin', 'cos', 'tan', 'asin', 'acos'],
  ...['atan', 'atan2', 'sinh', 'cosh', 'tanh', 'asinh', 'acosh', 'atanh', 'random'],
];

/** What the example uses of a browser, and of its build. */
const BROWSER = [
  ...['document', 'navigator', 'location', 'addEventListener', 'Image', 'Worker', 'URLSearchParams'],
  ...['fetch', 'Request', 'postMessage', 'performance', 'createImageBitmap', 'OffscreenCanvas', 'crossOriginIsolated'],
  ...['name', 'caches', 'clients', 'skipWaiting', 'VERSION', 'FILES'],
];

export default defineConfig(
  // bench/peers, test/engines and test/runtimes have checks of their own: their packages are rarely installed.
  // So have the examples, other runtimes' programs that are judged by running them there, but for the page's plain JavaScript.
  globalIgnores([
    ...['dist/', 'data/', 'coverage/', 'bench/peers/', 'test/engines/', 'test/runtimes/', 'engines/'],
    ...['examples/*/', '!examples/browser/', 'examples/browser/dist/'],
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
  {
    // The same seed gives the same network, whatever runs it.
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...INEXACT.map((property) => ({
          object: 'Math',
          property,
          message: 'It differs from engine to engine: take that of src/core/elementary.ts.',
        })),
      ],
    },
  },
  { files: ['**/*.js'], languageOptions: { globals: readonly(['process', 'console', 'URL']) } },
  { files: ['examples/browser/src/**'], languageOptions: { globals: readonly(BROWSER) } },
);

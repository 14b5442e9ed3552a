// `npm run test:kernel-mutants`: the tests that put faults into the code and expect the other tests to find them. They take long.
const MUTANTS = '[mM]utants\\.test\\.ts$';
const onlyMutants = process.env.VANILLANET_MUTANTS === '1';
// `npm run test:long`: other tests that take too long for `npm test`.
const LONG = '\\.long\\.test\\.ts$';
const onlyLong = process.env.VANILLANET_LONG === '1';
// `npm run test:frameworks`: other frameworks, which Python runs, against this package.
const FRAMEWORKS = '\\.frameworks\\.test\\.ts$';
const onlyFrameworks = process.env.VANILLANET_FRAMEWORKS === '1';
const only = [onlyMutants && MUTANTS, onlyLong && LONG, onlyFrameworks && FRAMEWORKS].find(Boolean);

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testRegex: `/test/.*${only ?? '\\.test\\.ts$'}`,
  testPathIgnorePatterns: [
    '/node_modules/',
    '<rootDir>/dist/',
    ...[MUTANTS, LONG, FRAMEWORKS].filter((pattern) => pattern !== only),
  ],
  // Packages built in engines/ have the names of this one's dependencies; `npm run test:mutants` has a copy of this one.
  modulePathIgnorePatterns: ['<rootDir>/engines/', '<rootDir>/dist/stryker/'],
  extensionsToTreatAsEsm: ['.ts'],
  // Imports name the .js file that tsc writes; jest runs the .ts source.
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^#runtime$': '<rootDir>/src/runtime/node.ts',
    '^#ndarray$': 'ndarray',
    '^#data/disk$': '<rootDir>/src/data/loader/disk/node.ts',
  },
  setupFilesAfterEnv: ['<rootDir>/test/typedArrays.ts'],
  transform: { '^.+\\.ts$': '<rootDir>/test/typeScript.js' },
  // All cores: half of the suites wait for processes that they started.
  maxWorkers: '100%',
  // Only a test that hangs is stopped: on a busy machine, a slow test says nothing about the code.
  testTimeout: 300_000,
  reporters: [
    'default',
    ...(onlyFrameworks ? ['<rootDir>/test/frameworks/reporter.js'] : []),
    '<rootDir>/test/plainSummary.js',
  ],
};

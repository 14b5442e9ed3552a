/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  // What is built there has packages of the same names as ours.
  modulePathIgnorePatterns: ['<rootDir>/engines/'],
  extensionsToTreatAsEsm: ['.ts'],
  // TypeScript's imports name the .js they will become; jest runs the .ts they are.
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    '^#runtime$': '<rootDir>/src/runtime/node.ts',
    '^#ndarray$': 'ndarray',
    '^#data/disk$': '<rootDir>/src/data/loader/disk/node.ts',
  },
  // Types are checked by `npm run check`, once and for everything.
  transform: { '^.+\\.ts$': ['ts-jest', { useESM: true, diagnostics: false }] },
  // Every core: half the suites wait for processes they started.
  maxWorkers: '100%',
  // How long a test may take says nothing about the code on a machine that is busy: only a test that hangs is stopped.
  testTimeout: 120_000,
  reporters: ['default', '<rootDir>/test/plainSummary.js'],
};

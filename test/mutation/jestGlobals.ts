/**
 * What `@jest/globals` has, without jest: in the mutation tests, the tests of a file stay loaded and run once for
 * each mutant. jest would load all modules anew, which takes a hundred times as long as most tests.
 */
import { ModernFakeTimers } from '@jest/fake-timers';
import { bind } from 'jest-each';
import { ModuleMocker } from 'jest-mock';
import { Suite, type Body } from './suite.js';

export { expect } from 'expect';

export const suite = new Suite();

type Declare = (title: string, body: Body) => void;

/** `test` and `describe` with their `skip` and `each`. */
function declarer(declare: (title: string, body: Body, skip: boolean) => void) {
  const plain: Declare = (title, body) => {
    declare(title, body, false);
  };
  const skip: Declare = (title, body) => {
    declare(title, body, true);
  };
  return Object.assign(plain, {
    each: bind(plain as never),
    skip: Object.assign(skip, { each: bind(skip as never) }),
  });
}

export const test = declarer((title, body, skip) => {
  suite.test(title, body, skip);
});
export const describe = declarer((title, body, skip) => {
  suite.describe(title, body, skip);
});
export const it = test;

export const beforeAll = (body: Body): void => {
  suite.hook('beforeAll', body);
};
export const afterAll = (body: Body): void => {
  suite.hook('afterAll', body);
};
export const beforeEach = (body: Body): void => {
  suite.hook('beforeEach', body);
};
export const afterEach = (body: Body): void => {
  suite.hook('afterEach', body);
};

const mocker = new ModuleMocker(globalThis);
const timers = new ModernFakeTimers({ global: globalThis, config: { rootDir: process.cwd() } as never });

export const jest = {
  fn: mocker.fn.bind(mocker),
  spyOn: mocker.spyOn.bind(mocker),
  replaceProperty: mocker.replaceProperty.bind(mocker),
  restoreAllMocks: (): void => {
    mocker.restoreAllMocks();
  },
  useFakeTimers: (options?: Parameters<ModernFakeTimers['useFakeTimers']>[0]): void => {
    timers.useFakeTimers(options);
  },
  useRealTimers: (): void => {
    timers.useRealTimers();
  },
  advanceTimersByTime: (milliseconds: number): void => {
    timers.advanceTimersByTime(milliseconds);
  },
  advanceTimersByTimeAsync: (milliseconds: number): Promise<void> => timers.advanceTimersByTimeAsync(milliseconds),
};

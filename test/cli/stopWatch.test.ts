import { afterEach, expect, jest, test } from '@jest/globals';
import { stopWatch } from '../../src/cli/stopWatch.js';

/** What would reach the process, and the time that passes. */
function world() {
  let now = 1e6;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  const kill = jest.spyOn(process, 'kill').mockReturnValue(true);
  return {
    kill,
    after: (milliseconds: number, signal: NodeJS.Signals): void => {
      now += milliseconds;
      process.emit(signal, signal);
    },
  };
}

afterEach(() => {
  jest.restoreAllMocks();
});

test('the first signal is told, its repetition is not, and one that comes later ends the process', () => {
  const { kill, after } = world();
  const told: string[] = [];
  const listeners = process.listenerCount('SIGINT');
  const { stopped } = stopWatch((signal) => told.push(signal));
  expect(stopped()).toBeNull();
  after(0, 'SIGINT');
  after(5, 'SIGINT');
  after(900, 'SIGTERM');
  expect([stopped(), told, kill.mock.calls]).toEqual(['SIGINT', ['SIGINT'], []]);
  after(100, 'SIGINT');
  expect(kill.mock.calls).toEqual([[process.pid, 'SIGINT']]);
  // Nobody listens then, so that it has its effect.
  expect(process.listenerCount('SIGINT')).toBe(listeners);
});

test('who takes the watch off hears nothing', () => {
  const { after } = world();
  const { stopped, unwatch } = stopWatch(() => undefined);
  const listeners = process.listenerCount('SIGHUP');
  unwatch();
  expect(process.listenerCount('SIGHUP')).toBe(listeners - 1);
  after(0, 'SIGUSR2');
  expect(stopped()).toBeNull();
});

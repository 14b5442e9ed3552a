import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { stopSignals } from '../../src/cli/stopSignals.js';

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
  const { stopped } = stopSignals((signal) => told.push(signal));
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

describe('when all is saved', () => {
  test('a repetition changes nothing, however late after the first it comes; another one later ends the process', () => {
    const { kill, after } = world();
    const listeners = process.listenerCount('SIGINT');
    const { settle } = stopSignals(() => undefined);
    after(0, 'SIGINT');
    after(0, 'SIGINT');
    settle();
    after(5000, 'SIGINT');
    after(4999, 'SIGINT');
    expect(kill).not.toHaveBeenCalled();
    after(1, 'SIGINT');
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGINT']]);
    expect(process.listenerCount('SIGINT')).toBe(listeners);
  });

  test('another signal than the first ends the process at once', () => {
    const { kill, after } = world();
    const { settle } = stopSignals(() => undefined);
    after(0, 'SIGINT');
    settle();
    after(0, 'SIGTERM');
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGTERM']]);
  });
});

test.each([
  ['no signal', []],
  ['a terminal that is closed', ['SIGHUP']],
] as const)('after %s, what is saved leaves no listener behind', (_, signals) => {
  const { after } = world();
  const listeners = process.listenerCount('SIGHUP');
  const { stopped, settle } = stopSignals(() => undefined);
  for (const signal of signals) after(0, signal);
  expect(process.listenerCount('SIGHUP')).toBe(listeners + 1);
  settle();
  expect(process.listenerCount('SIGHUP')).toBe(listeners);
  after(0, 'SIGUSR2');
  expect(stopped()).toBe(signals[0] ?? null);
});

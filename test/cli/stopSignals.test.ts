import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { stopSignals } from '../../src/cli/stopSignals.js';

/** Records signals that would end the process, and sets the time. */
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

test('reports the first signal, ignores its repetition, and lets a later one end the process', () => {
  const { kill, after } = world();
  const signals: string[] = [];
  const listeners = process.listenerCount('SIGINT');
  const { received } = stopSignals((signal) => signals.push(signal));
  expect(received()).toBeNull();
  after(0, 'SIGINT');
  after(5, 'SIGINT');
  after(900, 'SIGTERM');
  after(94, 'SIGINT');
  expect([received(), signals, kill.mock.calls]).toEqual(['SIGINT', ['SIGINT'], []]);
  after(1, 'SIGINT');
  expect(kill.mock.calls).toEqual([[process.pid, 'SIGINT']]);
  // Without a listener, the signal has its default effect.
  expect(process.listenerCount('SIGINT')).toBe(listeners);
});

describe('after settle', () => {
  test('ignores a late repetition, and lets a later signal end the process', () => {
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

  test('lets another signal end the process at once', () => {
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
  ['SIGHUP', ['SIGHUP']],
] as const)('leaves no listener after %s', (_, signals) => {
  const { after } = world();
  const listeners = process.listenerCount('SIGHUP');
  const { received, settle } = stopSignals(() => undefined);
  for (const signal of signals) after(0, signal);
  expect(process.listenerCount('SIGHUP')).toBe(listeners + 1);
  settle();
  expect(process.listenerCount('SIGHUP')).toBe(listeners);
  after(0, 'SIGUSR2');
  expect(received()).toBe(signals[0] ?? null);
});

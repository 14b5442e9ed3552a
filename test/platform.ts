/** Tests that need a certain system. Elsewhere they are skipped: the title says why, and the summary lists it. */
import { test } from '@jest/globals';

/** What Windows lacks. */
const REASONS = {
  sh: 'Windows has no sh',
  signals: 'Windows has no signals that a process can handle',
  links: 'symbolic links need privileges on Windows',
  devices: 'Windows has no /dev',
  colons: 'Windows has no colons in names',
  'open files': 'Windows does not replace a file that is open',
  'argument limits': 'Windows has other limits of environment variables',
} as const;

type Run = () => Promise<void> | void;
type TestFunction = (title: string, run: Run, timeout?: number) => void;

/** `test` under a condition; otherwise skipped with the reason. */
const testIf =
  (condition: boolean, reason: string): TestFunction =>
  (title, run, timeout) => {
    if (condition) test(title, run, timeout);
    else test.skip(`${title} (${reason})`, run, timeout);
  };

/** `test` for what needs a feature of POSIX. */
export const posixTest = (feature: keyof typeof REASONS): TestFunction =>
  testIf(process.platform !== 'win32', REASONS[feature]);

/** `test` for what needs Linux. */
export const linuxTest = (feature: string): TestFunction =>
  testIf(process.platform === 'linux', `only Linux has ${feature}`);

/** Finds the installed Chromium; Playwright's own browsers are not used. */
import { existsSync } from 'node:fs';

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The path of Chromium; null if there is none. */
export const executable = (): string | null =>
  process.env['CHROMIUM'] ?? EXECUTABLES.find((path) => existsSync(path)) ?? null;

export const NO_CHROMIUM = 'no Chromium: apt-get install chromium, or CHROMIUM=path';

/** Chromium refuses to run as root with a sandbox, and containers often run as root. */
export const ARGS: readonly string[] = ['--no-sandbox'];

/** The browser that is here, which is not Playwright's own. */
import { existsSync } from 'node:fs';

const EXECUTABLES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Null where there is none. */
export const executable = (): string | null =>
  process.env['CHROMIUM'] ?? EXECUTABLES.find((path) => existsSync(path)) ?? null;

export const NO_CHROMIUM = 'no Chromium: apt-get install chromium, or CHROMIUM=path';

/** Without a sandbox, for those who run this as root, as containers do. */
export const ARGS: readonly string[] = ['--no-sandbox'];

import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';

/** What the folder depends on; tests pass another. */
export interface CacheSystem {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

const ownSystem = (): CacheSystem => ({ platform: process.platform, env: process.env, home: homedir() });

/**
 * The folder for files that were fetched: `VANILLANET_CACHE`, or `vanillanet` in the folder for caches of the platform:
 * `XDG_CACHE_HOME` or `~/.cache`, on macOS `~/Library/Caches`, on Windows `%LOCALAPPDATA%`.
 */
export function cacheFolder({ platform, env, home }: CacheSystem = ownSystem()): string {
  const paths = platform === 'win32' ? win32 : posix;
  const { VANILLANET_CACHE: own = '', XDG_CACHE_HOME: xdg = '', LOCALAPPDATA: local = '' } = env;
  if (own !== '') return own;
  // The XDG specification has relative paths ignored.
  if (paths.isAbsolute(xdg)) return paths.join(xdg, 'vanillanet');
  if (platform === 'win32')
    return paths.join(local === '' ? paths.join(home, 'AppData', 'Local') : local, 'vanillanet');
  return platform === 'darwin'
    ? paths.join(home, 'Library', 'Caches', 'vanillanet')
    : paths.join(home, '.cache', 'vanillanet');
}

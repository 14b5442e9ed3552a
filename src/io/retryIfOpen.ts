/**
 * Retries for Windows, which refuses to replace or remove a file while another program (an editor, a virus scanner) has
 * it open; usually for a moment only.
 */
import { setTimeout } from 'node:timers/promises';

const CODES: readonly unknown[] = ['EPERM', 'EBUSY', 'EACCES'];
/** Milliseconds before each retry; 5 seconds in total. */
const PAUSES = [10, 20, 40, 80, 160, 320, 640, 1280, 2560];

/** Whose rules apply, and how to wait. */
export interface System {
  readonly platform: NodeJS.Platform;
  readonly pause: (milliseconds: number) => Promise<unknown>;
}

export const SYSTEM: System = { platform: process.platform, pause: (milliseconds) => setTimeout(milliseconds) };

const mayBeOpen = (error: unknown, { platform }: System): boolean =>
  platform === 'win32' && CODES.includes((error as NodeJS.ErrnoException).code);

/**
 * Replaces, moves or removes a file. On Windows, the operation is repeated after growing pauses if another program may
 * have the file open.
 *
 * @throws the error of the last attempt; every other error at once
 */
export async function retryIfOpen<T>(operation: () => Promise<T>, system: System = SYSTEM): Promise<T> {
  for (const milliseconds of PAUSES) {
    try {
      return await operation();
    } catch (error) {
      if (!mayBeOpen(error, system)) throw error;
    }
    await system.pause(milliseconds);
  }
  return operation();
}

/** What to do about an error of `retryIfOpen`; undefined if it has another cause than an open file. */
export const hintIfOpen = (error: unknown, path: string, system: System = SYSTEM): string | undefined =>
  mayBeOpen(error, system) ? `Close the program that has ${path} open.` : undefined;

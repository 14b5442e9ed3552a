/** Why something could not be read or written. */
import { messageOf } from '../core/messageOf.js';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'no such file or folder',
  EISDIR: 'a folder',
  EACCES: 'no permission',
  EPERM: 'no permission',
  ENOSPC: 'a full disk',
  EROFS: 'a read-only disk',
  ERR_FS_FILE_TOO_LARGE: 'more than 2 GiB',
};

/** What the system said, in words. */
export function reasonOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null | undefined)?.code;
  return (typeof code === 'string' ? REASONS[code] : undefined) ?? messageOf(error);
}

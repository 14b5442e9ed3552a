/** Why something could not be read or written. */

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
  // Not by its class: an error of another realm has another.
  if (typeof error !== 'object' || error === null) return String(error);
  const { code, message } = error as { code?: unknown; message?: unknown };
  return (typeof code === 'string' ? REASONS[code] : undefined) ?? String(message);
}

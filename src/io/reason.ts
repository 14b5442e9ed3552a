/** Why a file could not be read, written or fetched. */
import { messageOf } from '../core/messageOf.js';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  ENOTDIR: 'no such file or folder',
  EISDIR: 'a folder',
  EACCES: 'no permission',
  EPERM: 'no permission',
  EBUSY: 'a file in use',
  ENOSPC: 'a full disk',
  EDQUOT: 'a full quota',
  EFBIG: 'a file at its size limit',
  EROFS: 'a read-only disk',
  ERR_FS_FILE_TOO_LARGE: 'more than 2 GiB',
  ENOTFOUND: 'no address for that name (DNS)',
  EAI_AGAIN: 'no answer of the name server (DNS)',
  ECONNREFUSED: 'a refused connection',
  ECONNRESET: 'a broken connection',
  UND_ERR_SOCKET: 'a broken connection',
  EHOSTUNREACH: 'no route to that host',
  ENETUNREACH: 'no network',
  ETIMEDOUT: 'no answer',
  UND_ERR_CONNECT_TIMEOUT: 'no answer',
};

type Thrown = { readonly code?: unknown; readonly cause?: unknown } | null | undefined;

const codeOf = (error: unknown): string | null => {
  const code = (error as Thrown)?.code;
  return typeof code === 'string' ? code : null;
};

/** The message of an error and that of its cause: `fetch failed: bad port`. */
const messagesOf = (error: unknown): string => {
  const cause = (error as Thrown)?.cause;
  return cause === undefined || cause === null ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
};

/** The reason in words: by the code of the error or of its cause, where `fetch` puts it, or else the messages. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error) ?? codeOf((error as Thrown)?.cause);
  if (code === null) return messagesOf(error);
  if (/CERT|TLS|SSL|SIGNATURE|SELF_SIGNED/.test(code)) return `no secure connection (TLS: ${code})`;
  return REASONS[code] ?? messagesOf(error);
}

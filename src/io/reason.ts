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
  UND_ERR_HEADERS_TIMEOUT: 'no answer',
  UND_ERR_BODY_TIMEOUT: 'no answer',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'another number of bytes than content-length says',
  ERR_INVALID_URL: 'an invalid URL',
  ELOOP: 'a loop of links',
  ENAMETOOLONG: 'a name that is too long',
  EMFILE: 'too many open files',
  EIO: 'an error of the disk',
  // Of Bun.
  ConnectionRefused: 'a refused connection',
  ConnectionClosed: 'a broken connection',
};

/** Reasons that have no code, by a part of their message. */
const MESSAGES: readonly (readonly [RegExp, string])[] = [
  [/redirect count exceeded|too many redirects/i, 'a loop of redirects'],
  [/unknown scheme/i, 'a URL of an unknown scheme'],
];

/** Causes of causes; more are a cycle. */
const DEEPEST = 5;

type Thrown = { readonly code?: unknown; readonly cause?: unknown; readonly errors?: unknown } | null | undefined;

/** An error and its causes, and the first of several errors: `fetch` puts the reason there. */
function chainOf(error: unknown): Thrown[] {
  const chain: Thrown[] = [];
  let next = error as Thrown;
  while (next !== undefined && next !== null && chain.length < DEEPEST) {
    chain.push(next);
    const { cause, errors } = next;
    next = (cause ?? (Array.isArray(errors) ? (errors as unknown[])[0] : undefined)) as Thrown;
  }
  return chain;
}

/** The reason for a code; null if there is none. */
function reasonOfCode({ code }: NonNullable<Thrown>): string | null {
  if (typeof code !== 'string') return null;
  if (Object.hasOwn(REASONS, code)) return REASONS[code];
  if (code.startsWith('HPE_')) return 'an answer that is not HTTP';
  return /CERT|TLS|SSL|SIGNATURE|SELF_SIGNED/.test(code) ? `no secure connection (TLS: ${code})` : null;
}

/** The reason in words: by the code of the error or of a cause, or else the messages: `fetch failed: bad port`. */
export function reasonOf(error: unknown): string {
  const chain = chainOf(error);
  for (const each of chain) {
    const reason = each === null || each === undefined ? null : reasonOfCode(each);
    if (reason !== null) return reason;
  }
  const messages = chain.length === 0 ? messageOf(error) : chain.map(messageOf).join(': ');
  return MESSAGES.find(([pattern]) => pattern.test(messages))?.[1] ?? messages;
}

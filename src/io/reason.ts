/** Why a file could not be read, written or fetched. */
import { messageOf } from '../core/messageOf.js';

/** Why something failed, and what to do. */
type Entry = readonly [reason: string, hint?: string | undefined];

const PATH = 'Check the path.';
const URL_HINT = 'Check the URL.';
const PERMISSION = 'Check the permissions of the file and of its folders.';
const DISK = 'Free some space, or choose another folder.';
const NETWORK = 'Check the network connection and the host of the URL.';
/** The hint for what may succeed at another time. */
export const RETRY = 'Try again.';
const ENCODING = [
  'content that is not compressed as content-encoding says',
  'Check the header content-encoding that the server sends.',
] as const;
const BLOB_HINT =
  'Pass the Blob itself: a blob: URL is valid in the page or process that created it, until it is revoked.';
const SERVER = 'Check that the server runs, and the host and port of the URL.';
const REGULAR = 'Pass a file, or pipe its content to /dev/stdin.';

const FOLDER = ['a folder', 'Pass a file in it.'] as const;

/** By the code of an error: why it failed, and what to do. */
const REASONS: Readonly<Record<string, Entry>> = {
  ENOENT: ['no such file or folder', PATH],
  ENOTDIR: ['no such file or folder', PATH],
  EISDIR: FOLDER,
  ERR_FS_EISDIR: FOLDER,
  EACCES: ['no permission', PERMISSION],
  EPERM: ['no permission', PERMISSION],
  EBUSY: ['a file in use', 'Close the program that has it open.'],
  ENOSPC: ['a full disk', DISK],
  EDQUOT: ['a full quota', DISK],
  EFBIG: ['a file at its size limit'],
  EROFS: ['a read-only disk', 'Choose another folder.'],
  ENOTFOUND: ['no address for that name (DNS)', NETWORK],
  EAI_AGAIN: ['no answer of the name server (DNS)', NETWORK],
  ECONNREFUSED: ['a refused connection', SERVER],
  ECONNRESET: ['a broken connection', RETRY],
  EPIPE: ['a broken connection', RETRY],
  UND_ERR_SOCKET: ['a broken connection', RETRY],
  EHOSTUNREACH: ['no route to that host', NETWORK],
  ENETUNREACH: ['no network', NETWORK],
  ETIMEDOUT: ['no answer', SERVER],
  UND_ERR_CONNECT_TIMEOUT: ['no answer', SERVER],
  UND_ERR_HEADERS_TIMEOUT: ['no answer', SERVER],
  UND_ERR_BODY_TIMEOUT: ['no answer', RETRY],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: ['another number of bytes than content-length says', RETRY],
  ERR_INVALID_URL: ['an invalid URL', URL_HINT],
  ELOOP: ['a loop of links', PATH],
  ENAMETOOLONG: ['a name that is too long', PATH],
  EMFILE: ['too many open files', 'Raise the limit of open files: ulimit -n.'],
  EIO: ['an error of the disk'],
  // Of Bun.
  ConnectionRefused: ['a refused connection', SERVER],
  ConnectionClosed: ['a broken connection', RETRY],
  // Of openFile.ts.
  EMPTY_PATH: ['an empty path', 'Pass the path of a file; a variable of the shell may be unset.'],
  NULL_IN_PATH: ['a path with a null character', PATH],
  INVALID_FILE_URL: ['an invalid file: URL', 'Pass a path, or the href of pathToFileURL(path).'],
  URL_FOR_PATH: ['a URL', 'Download the file first, and pass its path.'],
  FOREIGN_SCHEME: ['a URL of another scheme', 'Download the file first, and pass its path.'],
  NAMED_PIPE: [
    'a named pipe, which may have no writer',
    'Redirect it to /dev/stdin, or write its content to a file first.',
  ],
  SOCKET: ['a socket', REGULAR],
  DEVICE: ['a device', REGULAR],
};

/** Reasons that have no code, by a part of their message. */
const MESSAGES: readonly (readonly [message: RegExp, entry: Entry])[] = [
  [/redirect count exceeded|too many redirects/i, ['a loop of redirects', URL_HINT]],
  [
    /scheme must be a http/i,
    ['a redirect to a URL of another scheme', 'Pass the http: or https: URL of the file itself.'],
  ],
  // What fetch of Node says about a blob: URL without a Blob.
  [/^fetch failed: invalid method$/, ['a blob: URL without a Blob', BLOB_HINT]],
  [/fetch the data url/i, ['an invalid data: URL', 'Check its base64 digits.']],
  [/unknown scheme/i, ['a URL of an unknown scheme', URL_HINT]],
  [/includes credentials/i, ['a URL with a password', 'Pass a fetch that adds an Authorization header instead.']],
  [/bad port/i, ['a port that fetch does not connect to', 'Use another port.']],
  [/(failed to parse|invalid) url/i, ['an invalid URL', URL_HINT]],
];

/** Causes of causes; more are a cycle. */
const DEEPEST = 5;

type Thrown = { readonly code?: unknown; readonly cause?: unknown; readonly errors?: unknown } | null | undefined;

/** An error and its causes, and the first of several errors: `fetch` puts the reason there. */
function chainOf(error: unknown): NonNullable<Thrown>[] {
  const chain: NonNullable<Thrown>[] = [];
  let next = error as Thrown;
  while (next !== undefined && next !== null && chain.length < DEEPEST) {
    chain.push(next);
    const { cause, errors } = next;
    next = (cause ?? (Array.isArray(errors) ? (errors as unknown[])[0] : undefined)) as Thrown;
  }
  return chain;
}

const TLS_HINT =
  'Check the date of this machine and the URL; a certificate authority of your own is read from NODE_EXTRA_CA_CERTS.';

/** Codes of zlib and Brotli for bytes that are not in their format; those of a stream that ends early are others. */
const isOtherEncoding = (code: string): boolean => code === 'Z_DATA_ERROR' || code.startsWith('ERR__ERROR_FORMAT');

/** The reason and hint for a code; null if there is none. */
function entryOfCode({ code }: NonNullable<Thrown>): Entry | null {
  if (typeof code !== 'string') return null;
  if (Object.hasOwn(REASONS, code)) return REASONS[code];
  if (isOtherEncoding(code)) return ENCODING;
  if (code.startsWith('HPE_')) return ['an answer that is not HTTP', SERVER];
  return /CERT|TLS|SSL|SIGNATURE|SELF_SIGNED/.test(code) ? [`no secure connection (TLS: ${code})`, TLS_HINT] : null;
}

/** By the code of the error or of a cause, or else by the messages. */
function entryOf(error: unknown): Entry {
  const chain = chainOf(error);
  for (const each of chain) {
    const entry = entryOfCode(each);
    if (entry !== null) return entry;
  }
  const messages = chain.length === 0 ? messageOf(error) : chain.map(messageOf).join(': ');
  return MESSAGES.find(([pattern]) => pattern.test(messages))?.[1] ?? [messages];
}

/** The reason in words: by the code of the error or of a cause, or else the messages: `fetch failed: …`. */
export const reasonOf = (error: unknown): string => entryOf(error)[0];

/** Whether the same request would fail again. */
export const isPermanent = (error: unknown): boolean => entryOf(error) === ENCODING;

/** Whether a path is that of a folder. */
export const isFolder = (error: unknown): boolean => entryOf(error) === FOLDER;

/** What to do about a reason; undefined if nothing is known to help. */
export const hintOf = (error: unknown): string | undefined => entryOf(error)[1];

/** The remedies for statuses; the first match counts. */
const STATUS_HINTS: readonly (readonly [matches: (status: number) => boolean, hint: string])[] = [
  [(status) => status === 0, 'Another origin must allow the page to read the file: Access-Control-Allow-Origin.'],
  [
    (status) => status === 401 || status === 403 || status === 407,
    'The server demands a permission: log in, renew an expired signed URL, or pass a fetch that adds a token to the headers.',
  ],
  [(status) => status === 404, 'There is no file at that URL: check it, and that the file is published.'],
  [(status) => status === 410, 'The file was removed from that URL: look for its new one.'],
  [(status) => status === 408 || status === 429, 'The server limits requests: try again later.'],
  [(status) => status === 503, 'The server is busy: try again later.'],
  [(status) => status >= 500, 'The server failed: try again later.'],
  [
    (status) => status === 304,
    'The server refers to a copy in a cache: send no If-None-Match and no If-Modified-Since.',
  ],
  [(status) => status >= 300 && status < 400, 'Pass the URL that it redirects to.'],
  [() => true, 'Check the URL.'],
];

/** What to do about the status of a response that is not OK. */
export const hintOfStatus = (status: number): string | undefined =>
  STATUS_HINTS.find(([matches]) => matches(status))?.[1];

import { fileURLToPath } from 'node:url';
import { ParamError } from '../core/errors.js';
import { messageOf } from '../core/messageOf.js';
import { foreignScheme, isFileUrl, isUrl } from '../io/location.js';
import { checkText } from './sets/checkSet.js';

/** Characters of a URL in an error: a data URL contains a whole file. */
const SHOWN_LENGTH = 100;

/**
 * The path of a file or folder on disk.
 *
 * @param op the name in errors
 * @param location a path, or a `file:` URL
 * @throws ParamError for another URL, an invalid one, and a path that contains NUL
 */
export function checkPath(op: string, location: string | URL): string {
  const text = location instanceof URL ? location.href : checkText(op, location, 'a path');
  const refuse = (expected: string, got: string, hint: string): never => {
    throw new ParamError({ op, expected, got, hint });
  };
  if (text.includes('\0')) {
    refuse('a path without NUL', JSON.stringify(text.slice(0, SHOWN_LENGTH)), 'Check how the path was made.');
  }
  if (isFileUrl(text)) {
    try {
      return fileURLToPath(text);
    } catch (cause) {
      return refuse(
        'a file: URL of this machine',
        `${text.slice(0, SHOWN_LENGTH)} (${messageOf(cause)})`,
        'Pass a path.',
      );
    }
  }
  if (isUrl(text) || foreignScheme(text) !== null) {
    const hint = 'Download it first, and pass the path of the file.';
    refuse('a path on this machine, or a file: URL', text.slice(0, SHOWN_LENGTH), hint);
  }
  return text;
}

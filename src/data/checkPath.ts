import { ParamError } from '../core/errors.js';
import { displayName, foreignScheme, isFileUrl, isUrl } from '../io/location.js';
import { pathOf } from '../io/openFile.js';
import { hintOf, reasonOf } from '../io/reason.js';
import { checkText } from './sets/checkSet.js';

/**
 * The path of a file or folder on disk.
 *
 * @param op the name in errors
 * @param location a path, or a `file:` URL
 * @throws ParamError for another URL, an invalid one, and a path that is empty or contains NUL
 */
export function checkPath(op: string, location: string | URL): string {
  const text = location instanceof URL ? location.href : checkText(op, location, 'a path');
  if ((isUrl(text) && !isFileUrl(text)) || foreignScheme(text) !== null) {
    const hint = 'Download it first, and pass the path of the file.';
    throw new ParamError({ op, expected: 'a path on this machine, or a file: URL', got: displayName(text), hint });
  }
  try {
    return pathOf(text);
  } catch (cause) {
    throw new ParamError({ op, expected: 'a path', got: reasonOf(cause), hint: hintOf(cause) }, { cause });
  }
}

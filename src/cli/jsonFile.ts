import { describeFault } from '../core/jsonFault.js';
import { MAX_JSON, parseJsonObject } from '../core/json.js';
import { ParamError } from '../core/errors.js';
import { binaryKind } from '../io/fileKind.js';
import { displayName } from '../io/location.js';
import { readBytes } from '../io/readFile.js';

/** Reads the object in a JSON file. @throws ParamError that names the file, and what it is if it is not text */
export async function readJsonObject(path: string): Promise<Readonly<Record<string, unknown>>> {
  const checkHead = (head: Uint8Array): void => {
    const kind = binaryKind(head);
    if (kind === null) return;
    const hint = 'Pass a JSON file, such as the config.json of a run; weights are passed by --weights.';
    throw new ParamError({ op: displayName(path), expected: 'a JSON object', got: kind, hint });
  };
  return parseJsonObject(await readBytes(path, ParamError, { limit: MAX_JSON, checkHead }), {
    op: path,
    describeFault,
  });
}

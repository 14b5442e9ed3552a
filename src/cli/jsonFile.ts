import { MAX_JSON, parseJsonObject } from '../core/json.js';
import { ParamError } from '../core/errors.js';
import { readBytes } from '../io/readFile.js';

/** Reads the object in a JSON file. @throws ParamError that names the file */
export const readJsonObject = async (path: string): Promise<Readonly<Record<string, unknown>>> =>
  parseJsonObject(await readBytes(path, ParamError, { limit: MAX_JSON }), { op: path });

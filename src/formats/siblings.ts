/** Files beside a file that names them. */
import { realpath } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { show } from '../core/check.js';
import { VanillaNetError, WeightsError } from '../core/errors.js';
import { pathOf } from '../io/openFile.js';
import { reasonOf } from '../io/reason.js';
import { openFileAccess, type OpenAccess } from './fileAccess.js';
import type { RandomAccess } from './foreignFile.js';

/** Files that one file may name. Exporters write one. */
const MOST = 16;

/** Whether a name leads to a file in the same folder or one in it, on every system. */
const isInside = (name: string): boolean =>
  name !== '' && !/^[/\\]|^[a-z]:|\0/i.test(name) && !name.split(/[/\\]/).includes('..');

/** Opens each file once. */
export class Siblings {
  private readonly files = new Map<string, OpenAccess>();

  /** @param path of the file that names others */
  constructor(private readonly path: string) {}

  /**
   * Opens a file beside it, or in a folder beside it.
   *
   * @param op what names the file, for errors
   * @throws WeightsError if there is none, or it is in another folder: also behind a symbolic link
   */
  async open(name: string, op: string): Promise<RandomAccess> {
    const known = this.files.get(name);
    if (known !== undefined) return known;
    const folder = dirname(pathOf(this.path));
    const path = join(folder, name);
    if (!isInside(name) || (await leaves(folder, path))) {
      const hint = 'Copy the file beside the graph, and name it without a folder.';
      throw new WeightsError({ op, expected: 'data in the folder of the file', got: show(name), hint });
    }
    if (this.files.size >= MOST) {
      throw new WeightsError({ op, expected: `data in at most ${MOST} files`, got: 'more' });
    }
    const file = await openFileAccess(path).catch((cause: unknown) => {
      const got = cause instanceof VanillaNetError ? cause.got : reasonOf(cause);
      const hint = 'Copy it beside the graph: it has the weights.';
      throw new WeightsError({ op, expected: `a readable file ${show(name)}`, got, hint }, { cause });
    });
    if (file === null) throw new WeightsError({ op, expected: `a file ${show(name)}`, got: 'a pipe' });
    this.files.set(name, file);
    return file;
  }

  async close(): Promise<void> {
    for (const file of this.files.values()) await file.close();
    this.files.clear();
  }
}

/** Whether a symbolic link leads out of a folder; not for a file that is missing. */
async function leaves(folder: string, path: string): Promise<boolean> {
  const target = await realpath(path).catch(() => null);
  if (target === null) return false;
  const within = relative(await realpath(folder), target);
  return within === '..' || within.startsWith(`..${sep}`) || /^([/\\]|[a-z]:)/i.test(within);
}

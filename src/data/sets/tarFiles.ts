/** The files of a tar archive by name; links to other members are resolved. */
import { DataError } from '../../core/errors.js';
import type { TarMember } from './tar.js';

/** Follows at most so many links, as Linux does. */
const MAX_LINKS = 40;

/** The path of a symbolic link's target, relative to the archive; null if it is outside. */
function targetOf({ name, type, target }: TarMember): string | null {
  if (target.startsWith('/')) return null;
  const path: string[] = [];
  // A hard link has the name of another member; a symbolic link is relative to its own folder.
  const parts = type === 'symlink' ? [...name.split('/').slice(0, -1), ...target.split('/')] : target.split('/');
  for (const part of parts) {
    if (part === '' || part === '.') continue;
    if (part !== '..') path.push(part);
    else if (path.pop() === undefined) return null;
  }
  return path.join('/');
}

/**
 * Reads a file of an archive: a member, or the member that a link leads to.
 *
 * @param members all members by name
 * @throws DataError for a name that no file has, and for a link that leads to none
 */
export function readMember(members: ReadonlyMap<string, TarMember>, name: string, archive: string): Uint8Array {
  const refuse = (expected: string, got: string): never => {
    throw new DataError({ op: `${archive}: ${name}`, expected, got });
  };
  let member = members.get(name) ?? refuse('a member of this name', 'none');
  for (let links = 0; member.type === 'link' || member.type === 'symlink'; links++) {
    const { target } = member;
    const path = targetOf(member);
    if (path === null) return refuse('a link to a file of the archive', `one that leads out of it, to ${target}`);
    if (links === MAX_LINKS) return refuse('a link to a file of the archive', 'links that lead to each other');
    if (members.has(`${path}/`)) return refuse('a link to a file of the archive', `one to the folder ${target}`);
    member = members.get(path) ?? refuse('a link to a file of the archive', `one to ${target}, which is not in it`);
  }
  return member.type === 'file' ? member.data : refuse('a file', member.kind);
}

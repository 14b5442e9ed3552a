/** The files and folders of a tar archive as they are after it is unpacked: links lead to files and folders. */
import { DataError } from '../../core/errors.js';
import { BROKEN_LINK_HINT, FolderWalk, LINK_TO_ABOVE } from './folderWalk.js';
import { checkDistinct, parentFolder, SHOWN_LENGTH } from './memberNames.js';
import type { TarMember } from './tar.js';

/** Follows at most so many symbolic links, as Linux does. */
const MAX_LINKS = 40;
/** Characters of a link's target, as in a path of Linux. */
const MAX_TARGET = 4096;

/** Parts of a path, with those of links on it, that are walked for free; and those beyond, for all paths together. */
const FREE_STEPS = 100;
const MAX_STEPS = 1_000_000;

/** Where a path leads: to a folder ('' for the archive, others end with '/'), to a member that is no link, or nowhere. */
type Destination =
  | { readonly folder: string }
  | { readonly member: TarMember }
  /** Why, for `got` in an error about the link. */
  | { readonly nowhere: string };

/** What a walk through an archive or a folder finds. */
export interface Listing {
  /** Folders end with '/'. Links to folders are folders. */
  readonly names: string[];
  /** Links that lead nowhere, which are among the names, and why. */
  readonly brokenLinks: ReadonlyMap<string, string>;
}

const leadsOut = (target: string): Destination => ({ nowhere: `one that leads out of it, to ${target}` });
const isMissing = (target: string): Destination => ({ nowhere: `one to ${target}, which is not in it` });
const LOOP: Destination = { nowhere: 'links that lead to each other' };

/** The parts of a path without `.` and empty ones. */
const partsOf = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

/** The name of a member from that in a hard link; null if it is outside of the archive. */
function memberName(target: string): string | null {
  if (target.startsWith('/')) return null;
  const path: string[] = [];
  for (const part of partsOf(target)) {
    if (part !== '..') path.push(part);
    else if (path.pop() === undefined) return null;
  }
  return path.join('/');
}

export class TarTree {
  /** Members by name, except folders. */
  private readonly members = new Map<string, TarMember>();
  /** The names of what is directly in each folder, also in those that the archive has no member for. */
  private readonly children = new Map<string, string[]>([['', []]]);
  /** What hard links lead to, at any distance. */
  private readonly hardLinks = new Map<TarMember, Destination>();
  /** What symbolic links lead to, by name. */
  private readonly symbolicLinks = new Map<string, Destination>();
  /** Parts of paths that were walked, beyond those for free. */
  private steps = 0;

  /** @throws DataError for two members of one name, except for folders */
  constructor(
    members: readonly TarMember[],
    private readonly path: string,
  ) {
    const files = members.filter(({ type }) => type !== 'directory');
    for (const { name } of members) this.addFolders(name);
    const folders = [...this.children.keys()].filter((name) => name !== '');
    const names = [...files.map(({ name }) => name), ...folders];
    checkDistinct(path, names, 'Rename one of them. If tar appended a file (-r or -u), pack the folder again.');
    for (const name of names) this.children.get(parentFolder(name))?.push(name);
    for (const member of files) this.members.set(member.name, member);
  }

  /** Lists all files and folders, also those that links to folders lead to. */
  list(): Listing {
    const names: string[] = [];
    const brokenLinks = new Map<string, string>();
    const walk = new FolderWalk(this.path);
    const enter = (folder: string, prefix: string, above: readonly string[]): void => {
      const isRepeated = walk.enter(folder, prefix, above.length);
      for (const child of this.children.get(folder) ?? []) {
        const isFolder = child.endsWith('/');
        const name = prefix + child.slice(folder.length, isFolder ? -1 : undefined);
        if (isRepeated) walk.addRepeated(name);
        const destination = isFolder ? { folder: child } : this.follow(child);
        if ('folder' in destination && !above.includes(destination.folder) && destination.folder !== folder) {
          names.push(`${name}/`);
          enter(destination.folder, `${name}/`, [...above, folder]);
          continue;
        }
        names.push(name);
        if ('nowhere' in destination) brokenLinks.set(name, destination.nowhere);
        else if ('folder' in destination) brokenLinks.set(name, LINK_TO_ABOVE);
      }
    };
    enter('', '', []);
    return { names, brokenLinks };
  }

  /** The content of a file, or of the file that a link leads to. @throws DataError if there is none */
  read(name: string): Uint8Array {
    const refuse = (expected: string, got: string, hint?: string): never => {
      throw new DataError({ op: `${this.path}: ${name}`, expected, got, hint });
    };
    const destination = this.follow(name);
    const isLink = this.members.has(name);
    if ('nowhere' in destination) {
      if (isLink) return refuse('a link to a file of the archive', destination.nowhere, BROKEN_LINK_HINT);
      return refuse('a member of this name', 'none', `List the members: tar -tf ${this.path}.`);
    }
    if ('folder' in destination) {
      if (!isLink) return refuse('a file', 'a folder');
      return refuse('a link to a file of the archive', `one to the folder ${destination.folder || '.'}`);
    }
    const { type, data, kind } = destination.member;
    return type === 'file' ? data : refuse('a file', kind, 'Remove it, and pack the archive again.');
  }

  /** Adds the folders of a path: those above a file, for a folder also itself. */
  private addFolders(path: string): void {
    for (let folder = path.endsWith('/') ? path : parentFolder(path); !this.children.has(folder);) {
      this.children.set(folder, []);
      folder = parentFolder(folder);
    }
  }

  /** Follows a path as an operating system does: `..` after a link to a folder is the one above that folder. */
  private follow(path: string): Destination {
    const known = this.symbolicLinks.get(path);
    if (known !== undefined) return known;
    const destination = this.walkPath(path);
    if (this.members.get(path)?.type === 'symlink') this.symbolicLinks.set(path, destination);
    return destination;
  }

  /** @throws DataError if links make the paths of the archive too long */
  private walkPath(path: string): Destination {
    const rest = partsOf(path).reverse();
    let folder = '';
    let target = path;
    let links = 0;
    let steps = 0;
    for (let part = rest.pop(); part !== undefined; part = rest.pop()) {
      if (++steps > FREE_STEPS && ++this.steps > MAX_STEPS) this.refuseSteps(path);
      if (part === '..') {
        if (folder === '') return leadsOut(target);
        folder = parentFolder(folder);
      } else if (this.children.has(`${folder}${part}/`)) {
        folder = `${folder}${part}/`;
      } else {
        const destination = this.followHardLinks(folder + part, target);
        if (!('member' in destination)) return destination;
        if (destination.member.type !== 'symlink') return rest.length === 0 ? destination : isMissing(target);
        target = destination.member.target;
        if (++links > MAX_LINKS) return LOOP;
        if (target.startsWith('/')) return leadsOut(target);
        if (target.length > MAX_TARGET) return { nowhere: `one to a path of ${target.length} characters` };
        rest.push(...partsOf(target).reverse());
      }
    }
    return { folder };
  }

  private refuseSteps(path: string): never {
    const expected = `at most ${MAX_STEPS} parts of paths in links of more than ${FREE_STEPS} parts`;
    const hint = 'Remove links to long paths with .., or unpack the archive with tar, and pass the folder.';
    throw new DataError({ op: `${this.path}: ${path.slice(0, SHOWN_LENGTH)}`, expected, got: 'more', hint });
  }

  /**
   * The file or symbolic link of a name. A hard link has the name of another member, which may be a hard link, too.
   *
   * @param target how the name was reached, for errors
   */
  private followHardLinks(name: string, target: string): Destination {
    let destination = this.destinationOf(name, target);
    const chain: TarMember[] = [];
    while ('member' in destination && destination.member.type === 'link') {
      const link = destination.member;
      const known = this.hardLinks.get(link);
      // While a link is followed it leads to itself.
      if (known === undefined) {
        this.hardLinks.set(link, LOOP);
        chain.push(link);
      }
      destination = known ?? this.hardLinkTarget(link);
    }
    for (const link of chain) this.hardLinks.set(link, destination);
    return destination;
  }

  private destinationOf(name: string, target: string): Destination {
    const member = this.members.get(name);
    return member === undefined ? isMissing(target) : { member };
  }

  private hardLinkTarget({ target }: TarMember): Destination {
    const name = memberName(target);
    if (name === null) return leadsOut(target);
    return this.children.has(`${name}/`) ? { folder: `${name}/` } : this.destinationOf(name, target);
  }
}

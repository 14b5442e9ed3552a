import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FileScore } from './mutateRoom.js';
import { ROOMS, ROOT, sourcesOf, type Room } from './rooms.js';
import { keyOf, type Survivor } from './survivor.js';

const SCORES = join(ROOT, 'test/mutation/scores.json');
const SURVIVORS = join(ROOT, 'test/mutation/survivors.json');

/** What was measured last of a file. */
interface Entry {
  /** The SHA-256 of the file then. */
  readonly sha256: string;
  readonly mutants: number;
  readonly killed: number;
}

interface KnownSurvivor extends Survivor {
  /** Why no test finds it: a sentence, or a key of `reasons`. Empty if nobody has given one yet. */
  readonly reason: string;
}

interface SurvivorsFile {
  /** Reasons that many survivors share, by a short name. */
  readonly reasons: Record<string, string>;
  readonly files: Partial<Record<string, KnownSurvivor[]>>;
}

const read = <T>(path: string, absent: T): T =>
  existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as T) : absent;

const digestOf = (file: string): string =>
  createHash('sha256')
    .update(readFileSync(join(ROOT, file)))
    .digest('hex');

export interface Score {
  readonly mutants: number;
  readonly killed: number;
}

/** The committed record of what mutation testing has measured: test/mutation/scores.json and survivors.json. */
export class MutationRecord {
  #scores = read<Partial<Record<string, Entry>>>(SCORES, {});
  readonly #survivors = read<SurvivorsFile>(SURVIVORS, { reasons: {}, files: {} });

  /** Whether files of a room were ever measured. */
  has(room: Room): boolean {
    return sourcesOf(room).some((file) => file in this.#scores);
  }

  /** Files of a room whose content is not that which was measured, and those that were never measured. */
  changed(room: Room): { readonly changed: string[]; readonly unmeasured: string[] } {
    const files = sourcesOf(room);
    const [measured, unmeasured] = [true, false].map((is) => files.filter((file) => file in this.#scores === is));
    return { changed: measured.filter((file) => this.#scores[file]?.sha256 !== digestOf(file)), unmeasured };
  }

  /** Whether the content of a file is that which was measured. */
  isCurrent(file: string): boolean {
    return this.#scores[file]?.sha256 === digestOf(file);
  }

  /** Takes what has been measured; survivors that were known keep their reasons. */
  update(file: string, { mutants, killed, survivors }: FileScore): void {
    this.#scores[file] = { sha256: digestOf(file), mutants, killed };
    const reasons = new Map((this.#survivors.files[file] ?? []).map((known) => [keyOf(known), known.reason]));
    if (survivors.length === 0) Reflect.deleteProperty(this.#survivors.files, file);
    else {
      this.#survivors.files[file] = survivors.map((survivor) => ({
        ...survivor,
        reason: reasons.get(keyOf(survivor)) ?? '',
      }));
    }
  }

  /** Forgets files that are no longer there. */
  prune(): void {
    const files = new Set(ROOMS.flatMap(sourcesOf));
    for (const part of [this.#scores, this.#survivors.files]) {
      for (const file of Object.keys(part)) if (!files.has(file)) Reflect.deleteProperty(part, file);
    }
  }

  score(room: Room): Score {
    const entries = sourcesOf(room).flatMap((file) => this.#scores[file] ?? []);
    const sum = (key: 'mutants' | 'killed') => entries.reduce((total, entry) => total + entry[key], 0);
    return { mutants: sum('mutants'), killed: sum('killed') };
  }

  /** Survivors of a file that have no reason. */
  unexplained(file: string): Survivor[] {
    const { reasons, files } = this.#survivors;
    // A single word must be the name of a reason.
    const explained = (reason: string) => reason in reasons || reason.includes(' ');
    return (files[file] ?? []).filter(({ reason }) => !explained(reason));
  }

  /** All survivors, by file. */
  get survivors(): Partial<Record<string, readonly Survivor[]>> {
    return this.#survivors.files;
  }

  write(): void {
    const sorted = <T>(part: Record<string, T>) =>
      Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
    this.#scores = sorted(this.#scores);
    writeFileSync(SCORES, `${JSON.stringify(this.#scores, null, 2)}\n`);
    const { reasons, files } = this.#survivors;
    writeFileSync(SURVIVORS, `${JSON.stringify({ reasons, files: sorted(files) }, null, 2)}\n`);
  }
}

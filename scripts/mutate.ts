/** Mutation testing of src/: `npm run test:mutants`. */
import { InvalidArgumentError, Command } from 'commander';
import { existsSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { mutateRoom, type FileScore } from './mutation/mutateRoom.js';
import { MutationRecord } from './mutation/record.js';
import { GUARDED, roomOf, ROOMS, ROOT, sourcesOf, THRESHOLD, type Room } from './mutation/rooms.js';
import { runScript } from './runScript.js';
import { ScriptError } from './scriptError.js';

const OP = 'test:mutants';

interface Options {
  readonly changed?: true;
  readonly all?: true;
  readonly minutes?: number;
  readonly write?: true;
  readonly resume?: true;
  readonly survivors?: true;
}

const minutes = (value: string): number => {
  const number = Number(value);
  if (!(number > 0)) throw new InvalidArgumentError('expected a positive number');
  return number;
};

const program = new Command('npm run test:mutants --')
  .description(
    'Changes the code in small steps (mutants) and runs the tests of its folder for each: every mutant that no test ' +
      `finds is printed. A room is a folder of src/: ${ROOMS.join(', ')}. Exit status 1 if a survivor has no reason in ` +
      `test/mutation/survivors.json, or if less than ${100 * THRESHOLD}% of ${GUARDED.join(', ')} are killed.`,
  )
  .argument('[path...]', 'files, or rooms such as io')
  .option('--changed', 'the files whose content is not that which test/mutation/scores.json was measured with')
  .option('--all', 'all files')
  .option('--survivors', 'test only the mutants that the record has as survivors, for example after tests were added')
  .option('--minutes <n>', 'stop after that time; files that are not finished are printed as SKIPPED', minutes)
  .option('--resume', 'continue the last run of the room, which --minutes stopped, with the same tests')
  .option('--write', 'record scores and survivors in test/mutation')
  .action(async (paths: string[], options: Options) => {
    const record = new MutationRecord();
    const deadline = options.minutes === undefined ? null : Date.now() + options.minutes * 60_000;
    // For files that have changed, what survived before still counts as a survivor: only new mutants cost time.
    const trials = options.survivors ? 'survivors' : options.changed ? 'new' : 'all';
    const known = record.survivors;
    const failures: string[] = [];
    for (const [room, files] of filesByRoom(record, paths, options)) {
      console.log(`${room}: ${files.length} files`);
      for (const [file, score] of await mutateRoom(room, files, {
        deadline,
        trials,
        known,
        resume: options.resume ?? false,
      })) {
        if (score.untested > 0) {
          console.log(`SKIPPED ${file}: ${score.untested} of ${score.untested + score.mutants} mutants are not tested`);
          continue;
        }
        record.update(file, score);
        print(file, score);
        const unexplained = record.unexplained(file).length;
        if (unexplained > 0) failures.push(`${file}: ${unexplained} survivors have no reason in survivors.json`);
      }
      const { killed, mutants } = record.score(room);
      console.log(`${room}: ${killed} of ${mutants} killed, ${((100 * killed) / mutants).toFixed(1)}%\n`);
      if (GUARDED.includes(room) && killed < THRESHOLD * mutants) {
        failures.push(`${room}: less than ${100 * THRESHOLD}% are killed`);
      }
    }
    if (options.write) {
      record.prune();
      record.write();
    }
    if (failures.length > 0) {
      const hint = 'Add tests that find them, or a reason in test/mutation/survivors.json why none can.';
      throw new ScriptError({ op: OP, expected: 'tests that find mutants', got: failures.join('; '), hint });
    }
  });

function filesByRoom(record: MutationRecord, paths: readonly string[], options: Options): Map<Room, string[]> {
  if (options.survivors && options.changed) {
    throw new ScriptError({ op: OP, expected: 'files that have not changed, with --survivors', got: '--changed' });
  }
  if ([paths.length > 0, options.all, options.changed].filter(Boolean).length !== 1) {
    throw new ScriptError({ op: OP, expected: 'paths, --changed or --all', got: 'none or several of them' });
  }
  const files = options.all
    ? ROOMS.flatMap(sourcesOf)
    : options.changed
      ? ROOMS.flatMap((room) => changedIn(record, room))
      : paths.flatMap(filesOf);
  if (options.survivors) return groupByRoom(files.filter((file) => hasSurvivors(record, file)));
  return groupByRoom(files);
}

/** Whether survivors of a file are known; of one that has changed, they are those of another code. */
function hasSurvivors(record: MutationRecord, file: string): boolean {
  if (record.isCurrent(file)) return file in record.survivors;
  console.log(`SKIPPED ${file}: it has changed since it was measured`);
  return false;
}

function groupByRoom(files: readonly string[]): Map<Room, string[]> {
  const rooms = new Map<Room, string[]>();
  for (const room of ROOMS) {
    const own = files.filter((file) => roomOf(file) === room);
    if (own.length > 0) rooms.set(room, own);
  }
  return rooms;
}

function changedIn(record: MutationRecord, room: Room): string[] {
  const { changed, unmeasured } = record.changed(room);
  if (!record.has(room)) console.log(`SKIPPED src/${room}: never measured`);
  else for (const file of unmeasured) console.log(`SKIPPED ${file}: never measured`);
  return changed;
}

/** The files that a parameter names: a room, a folder or a file. */
function filesOf(path: string): string[] {
  const room = ROOMS.find((name) => name === path);
  if (room !== undefined) return sourcesOf(room);
  const file = relative(ROOT, resolve(path)).replaceAll('\\', '/');
  const files = ROOMS.flatMap(sourcesOf).filter((source) => source === file || source.startsWith(`${file}/`));
  if (files.length === 0 || !existsSync(join(ROOT, file))) {
    throw new ScriptError({ op: OP, expected: 'a file of src/ that is mutated, or a room', got: path });
  }
  return files;
}

function print(file: string, { killed, mutants, survivors }: FileScore): void {
  console.log(`${file}: ${killed} of ${mutants} killed`);
  for (const { line, mutant } of survivors) console.log(`    ${mutant}\n        in ${line}`);
}

process.exitCode = await runScript(program, process.argv.slice(2));

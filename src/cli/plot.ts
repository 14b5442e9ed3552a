import { Command, InvalidArgumentError } from 'commander';
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { DataError } from '../core/errors.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import type { ReportedRun } from '../report/page.js';
import { readMetrics } from '../report/record.js';
import { readJsonObject } from './jsonFile.js';
import { print } from './print.js';

interface PlotOptions {
  readonly output?: string;
  readonly title?: string;
}

interface Place {
  readonly name: string;
  readonly file: string;
  /** Where its configuration lies beside it. */
  readonly config: string;
}

/** The records of a run, which is a folder or a file in one. */
async function find(run: string): Promise<Place> {
  const there = await stat(run).catch(() => null);
  if (there === null) throw new DataError({ op: run, expected: 'a run: a folder or a metrics file', got: 'nothing' });
  const file = there.isDirectory() ? join(run, 'metrics.jsonl') : run;
  if (there.isDirectory() && (await stat(file).catch(() => null)) === null) {
    throw new DataError({ op: run, expected: 'a run with metrics.jsonl in it', got: 'a folder without' });
  }
  // A file that bears the usual name says nothing: its folder does.
  const named = basename(file) === 'metrics.jsonl' ? dirname(resolve(file)) : file;
  return { name: basename(named, '.jsonl'), file, config: join(dirname(file), 'config.json') };
}

async function open({ name, file, config: path }: Place): Promise<ReportedRun> {
  const records = await readMetrics(file);
  if (records.length === 0) throw new DataError({ op: file, expected: 'records of a run', got: 'none' });
  const isThere = await stat(path).catch(() => null);
  return isThere === null ? { name, records } : { name, records, config: await readJsonObject(path) };
}

/** Runs of the same name are told apart by their numbers. */
const distinct = (runs: readonly ReportedRun[]): ReportedRun[] =>
  runs.map((run, i) =>
    runs.some(({ name }, k) => k !== i && name === run.name) ? { ...run, name: `${run.name} (${i + 1})` } : run,
  );

async function drawn(runs: readonly ReportedRun[], ending: string, titled: { title?: string }): Promise<string> {
  // What draws takes a third of a second to load, for which the other commands must not wait.
  if (ending === '.svg') return (await import('../report/curves.js')).curvesSvg(runs, titled);
  return (await import('../report/page.js')).curvesHtml(runs, titled);
}

async function plot(paths: readonly string[], options: PlotOptions): Promise<void> {
  const places: Place[] = [];
  for (const path of paths) places.push(await find(path));
  const output = options.output ?? join(dirname(places[0].file), 'curves.html');
  await requireWritable(
    output,
    places.map(({ file }) => file),
  );
  const runs: ReportedRun[] = [];
  for (const place of places) runs.push(await open(place));
  const titled = options.title === undefined ? {} : { title: options.title };
  await atomicWrite(output, await drawn(distinct(runs), extname(output).toLowerCase(), titled));
  print(`wrote ${output}`);
}

/** A file whose ending says what it is to be. */
export const fileOf =
  (...endings: readonly string[]) =>
  (path: string): string => {
    if (endings.includes(extname(path).toLowerCase())) return path;
    throw new InvalidArgumentError(`Expected a file that ends in ${endings.join(', ')}.`);
  };

export const plotCommand = (): Command =>
  new Command('plot')
    .description('Draw the curves of training runs: loss, accuracy, lambda and learning rate.')
    .argument('<run...>', 'folders with a metrics.jsonl, or such files; several are compared')
    .option(
      '-o, --output <file>',
      'picture (.svg) or page (.html); curves.html beside the first run if not given',
      fileOf('.svg', '.html'),
    )
    .option('-t, --title <text>', 'heading')
    .action(plot);

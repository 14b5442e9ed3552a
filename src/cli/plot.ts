import { Command, InvalidArgumentError } from 'commander';
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { DataError } from '../core/errors.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import type { PageOptions, ReportedRun } from '../report/page.js';
import { readMetrics } from '../report/record.js';
import { readJsonObject } from './jsonFile.js';
import { print } from './print.js';

interface PlotOptions {
  readonly output?: string;
  readonly title?: string;
  readonly allOptions?: true;
}

interface RunFiles {
  readonly name: string;
  readonly file: string;
  /** The configuration in the same folder, if there is one. */
  readonly config: string;
}

const RUN_HINT = 'Pass the folder that vanillanet train --output wrote to, or its metrics.jsonl.';

/** The files of a run, which is a folder or a metrics file. */
async function findFiles(run: string): Promise<RunFiles> {
  const entry = await stat(run).catch(() => null);
  if (entry === null) {
    const expected = 'a run: a folder or a metrics file';
    throw new DataError({ op: run, expected, got: 'no such file or folder', hint: RUN_HINT });
  }
  const file = entry.isDirectory() ? join(run, 'metrics.jsonl') : run;
  if (entry.isDirectory() && (await stat(file).catch(() => null)) === null) {
    throw new DataError({ op: run, expected: 'a run with metrics.jsonl', got: 'a folder without it', hint: RUN_HINT });
  }
  // A file with the usual name is called by its folder.
  const source = basename(file) === 'metrics.jsonl' ? dirname(resolve(file)) : file;
  return { name: basename(source, '.jsonl'), file, config: join(dirname(file), 'config.json') };
}

async function open({ name, file, config: path }: RunFiles): Promise<ReportedRun> {
  const records = await readMetrics(file);
  if (records.length === 0) throw new DataError({ op: file, expected: 'records of a run', got: 'none' });
  const entry = await stat(path).catch(() => null);
  return entry === null ? { name, records } : { name, records, config: await readJsonObject(path) };
}

/** Numbers runs that have the same name. */
const distinct = (runs: readonly ReportedRun[]): ReportedRun[] =>
  runs.map((run, i) =>
    runs.some(({ name }, k) => k !== i && name === run.name) ? { ...run, name: `${run.name} (${i + 1})` } : run,
  );

async function draw(runs: readonly ReportedRun[], ending: string, options: PageOptions): Promise<string> {
  // Imported here, because the drawing code takes a third of a second to load.
  if (ending === '.svg') return (await import('../report/curves.js')).curvesSvg(runs, options);
  return (await import('../report/page.js')).curvesHtml(runs, options);
}

async function plot(paths: readonly string[], options: PlotOptions): Promise<void> {
  const files: RunFiles[] = [];
  for (const path of paths) files.push(await findFiles(path));
  const output = options.output ?? join(dirname(files[0].file), 'curves.html');
  await requireWritable(
    output,
    files.map(({ file }) => file),
  );
  const runs: ReportedRun[] = [];
  for (const each of files) runs.push(await open(each));
  const { title, allOptions = false } = options;
  const page: PageOptions = { allOptions, ...(title === undefined ? {} : { title }) };
  await atomicWrite(output, await draw(distinct(runs), extname(output).toLowerCase(), page));
  print(`wrote ${output}`);
}

/** Parses the name of a file that must have one of the endings. */
export const fileArgument =
  (...endings: readonly string[]) =>
  (path: string): string => {
    if (endings.includes(extname(path).toLowerCase())) return path;
    throw new InvalidArgumentError(`Expected a file that ends in ${endings.join(', ')}.`);
  };

export const plotCommand = (): Command =>
  new Command('plot')
    .description('Plot loss, accuracy, lambda and learning rate of training runs.')
    .argument('<run...>', 'folders of runs, or metrics.jsonl files')
    .option(
      '-o, --output <file>',
      'picture or page, .svg or .html (default: curves.html in the first run)',
      fileArgument('.svg', '.html'),
    )
    .option('-t, --title <text>', 'title')
    .option('--all-options', 'list all options of several runs, not only those that differ')
    .action(plot);

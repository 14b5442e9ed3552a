import { Command } from 'commander';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ParamError } from '../core/errors.js';
import { atomicWrite, requireWritable } from '../io/atomicWrite.js';
import { curvesSvg, type Run } from '../report/curves.js';
import { curvesHtml } from '../report/page.js';
import { readMetrics } from '../report/record.js';
import { print } from './print.js';

interface PlotOptions {
  readonly output?: string;
  readonly title?: string;
}

/** A run by its folder, or by the file in it. */
async function openRun(path: string): Promise<Run> {
  const isFolder = (await stat(path).catch(() => null))?.isDirectory() ?? false;
  const file = isFolder ? join(path, 'metrics.jsonl') : path;
  const records = await readMetrics(file);
  if (records.length === 0) throw new ParamError({ op: file, expected: 'records of a run', got: 'none yet' });
  return { name: basename(isFolder ? resolve(path) : dirname(resolve(path))), records };
}

async function plot(paths: readonly string[], { output, title }: PlotOptions): Promise<void> {
  const beside = (await stat(paths[0]).catch(() => null))?.isDirectory() ? paths[0] : dirname(paths[0]);
  const target = output ?? (paths.length === 1 ? join(beside, 'curves.html') : 'curves.html');
  if (!/\.(svg|html)$/.test(target)) {
    throw new ParamError({ op: 'output', expected: 'a name that ends in .svg or .html', got: target });
  }
  await requireWritable(target);
  const runs = await Promise.all(paths.map(openRun));
  const named = title === undefined ? {} : { title };
  await atomicWrite(target, target.endsWith('.svg') ? curvesSvg(runs, named) : curvesHtml(runs, named));
  print(`wrote  ${target}`);
}

export const plotCommand = (): Command =>
  new Command('plot')
    .description('Draw the learning curves of a run, or of several to compare.')
    .argument('<run...>', 'folders that training wrote, or their metrics.jsonl')
    .option('-o, --output <file>', 'an .svg or .html file; curves.html where it is not given')
    .option('--title <text>', 'what stands above')
    .action(plot);

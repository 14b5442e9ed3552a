import { isRecord, show } from '../core/check.js';
import { curvesSvg } from './curves.js';
import { headRow, htmlPage, NARROW, row, scrollable, WIDE } from './htmlPage.js';
import type { RecordedScores } from './record.js';
import { bestEpoch, epochRecords, hasTop5, type Run } from './series.js';
import { escape, VARIABLES } from './svg.js';

/** A run, and its configuration if it is known. */
export interface ReportedRun extends Run {
  readonly config?: Readonly<Record<string, unknown>>;
}

export interface PageOptions {
  readonly title?: string;
  /** Whether the table of several runs has all options, and not only those that differ. Default false. */
  readonly allOptions?: boolean;
}

const percent = (share: number | undefined): string =>
  share === undefined ? '' : Number.isFinite(share) ? `${(100 * share).toFixed(2)}%` : 'not a number';
const digits = (value: number | undefined, count: number): string =>
  value === undefined ? '' : Number.isFinite(value) ? value.toFixed(count) : 'not a number';

const cellsOf = (scores: RecordedScores | undefined, showsTop5: boolean): string[] => [
  digits(scores?.loss, 4),
  percent(scores?.top1),
  ...(showsTop5 ? [percent(scores?.top5)] : []),
];

function epochTable({ name, records }: ReportedRun): string {
  const epochs = epochRecords(records);
  if (epochs.length === 0) return '<p>No epoch was completed.</p>';
  const [best, showsTop5] = [bestEpoch(records), hasTop5(records)];
  const sets = (['validation', 'ema'] as const).filter((name) => epochs.some((epoch) => epoch[name] !== undefined));
  const heads = ['train', ...sets.map((name) => (name === 'ema' ? 'averaged' : name))];
  const head = [
    'epoch',
    ...heads.flatMap((name) => [`${name} loss`, `${name} top-1`, ...(showsTop5 ? [`${name} top-5`] : [])]),
    'λ',
    'learning rate',
    'images/s',
    'seconds',
  ];
  const body = epochs.map((epoch) => {
    const cells = [
      `${epoch.epoch}${epoch === best ? ' ★' : ''}`,
      ...cellsOf(epoch.train, showsTop5),
      ...sets.flatMap((name) => cellsOf(epoch[name], showsTop5)),
      digits(epoch.lambda, 3),
      Number.isFinite(epoch.lr) ? epoch.lr.toExponential(2) : 'not a number',
      digits(epoch.images_per_second, 0),
      digits(epoch.seconds, 1),
    ];
    return `<tr${epoch === best ? ' class="best"' : ''}>${row(cells, head)}</tr>`;
  });
  const table = `<table class="epochs stack"><thead><tr>${headRow(head)}</tr></thead>
<tbody>
${body.join('\n')}
</tbody></table>`;
  return scrollable(`epochs of ${name}`, table);
}

/** The most characters of a value in the table, such as the names of a thousand classes. */
const MOST_CHARACTERS = 200;

/** `128 of 32x32, sha256 a623ea867ea4`. */
function imagesText(set: unknown): unknown {
  if (!isRecord(set)) return set;
  const { images, size, sha256 } = set;
  const digest = typeof sha256 === 'string' ? `, sha256 ${sha256.slice(0, 12)}` : '';
  return `${show(images)} of ${Array.isArray(size) ? size.join('x') : show(size)}${digest}`;
}

/** The backend and the data of a run, in the form of options. A file that was edited may have anything. */
function originOptions(run: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(run)) return {};
  const { backend, data } = run;
  if (!isRecord(data)) return { backend };
  const { spec, limit, val_limit, val_split, class_names: names, train, held_out: heldOut } = data;
  const classes = Array.isArray(names) ? `${names.length}: ${names.join(', ')}` : names;
  const images = { 'training images': imagesText(train), 'held-out images': imagesText(heldOut) };
  return { backend, data: spec, limit, val_limit, val_split, classes, ...images };
}

/** The options of a run as texts, with those of its backend and its data. */
function optionsOf({ config = {} }: ReportedRun): Map<string, string> {
  const { run, ...options } = config;
  const entries = Object.entries({ ...originOptions(run), ...options })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)] as const);
  return new Map(entries);
}

const shorten = (text: string): string => (text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text);

/** A row for each option and a column for each run; of several runs, only the options that differ. */
function configTable(runs: readonly ReportedRun[], allOptions: boolean): string {
  const options = runs.map(optionsOf);
  const keys = [...new Set(options.flatMap((each) => [...each.keys()]))];
  if (keys.length === 0) return '';
  const differs = (key: string): boolean => options.some((each) => each.get(key) !== options[0].get(key));
  const shown = runs.length === 1 || allOptions ? keys : keys.filter(differs);
  const head =
    runs.length === 1
      ? ''
      : `<thead><tr><th scope="col">option</th>${runs.map(({ name }) => `<th scope="col">${escape(name)}</th>`).join('')}</tr></thead>`;
  const rows = shown.map((key) => {
    const values = options.map((each) => shorten(each.get(key) ?? ''));
    const heads = runs.map(({ name }) => (runs.length === 1 ? '' : name));
    return `<tr><th scope="row">${escape(key)}</th>${row(values, heads)}</tr>`;
  });
  const same = keys.length - shown.length;
  const note =
    same === 0
      ? ''
      : `<p>${same}${shown.length === 0 ? '' : ' more'} options are the same in all runs; --all-options shows them.</p>`;
  const table =
    shown.length === 0
      ? ''
      : scrollable('configuration', `<table class="config stack">${head}<tbody>${rows.join('\n')}</tbody></table>`);
  return `<section><h2>Configuration</h2>\n${table}${note}</section>`;
}

function summaryOf(run: ReportedRun): string {
  const best = bestEpoch(run.records);
  if (best === null) return '';
  const { validation } = best;
  const top5 = hasTop5(run.records) ? `, top-5 ${percent(validation?.top5)}` : '';
  return `<p>Best epoch ${best.epoch}: validation top-1 ${percent(validation?.top1)}${top5}</p>`;
}

function section(run: ReportedRun, several: boolean): string {
  const heading = several ? run.name : 'Epochs';
  return `<section><h2>${escape(heading)}</h2>\n${summaryOf(run)}\n${epochTable(run)}</section>`;
}

/** Curves, epochs and configuration of runs as a self-contained HTML file, without scripts and external resources. */
export function curvesHtml(runs: readonly ReportedRun[], options: PageOptions = {}): string {
  const title = options.title ?? `Training of ${runs.map(({ name }) => name).join(', ')}`;
  const curves = (width: number): string => curvesSvg(runs, { title: '', width, palette: VARIABLES });
  const body = `<figure class="wide">${curves(WIDE)}</figure>
<figure class="narrow">${curves(NARROW)}</figure>
${runs.map((run) => section(run, runs.length > 1)).join('\n')}
${configTable(runs, options.allOptions ?? false)}`;
  return htmlPage(title, body);
}

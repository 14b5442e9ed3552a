import { bestEpoch, curvesSvg, epochsOf, type Run } from './curves.js';
import { DARK, declarations, escape, FONT, LIGHT, VARIABLES } from './svg.js';
import type { EpochRecord, Scores } from './record.js';

export interface PageOptions {
  readonly title?: string;
  /** Recipe and network, shown as they are. */
  readonly config?: Readonly<Record<string, unknown>>;
}

const percent = (share: number | undefined): string =>
  share === undefined || !Number.isFinite(share) ? '–' : `${(100 * share).toFixed(2)}%`;
const digits = (value: number | undefined): string =>
  value === undefined || !Number.isFinite(value) ? '–' : value.toFixed(3);

const CSS = `
:root { color-scheme: light dark; ${declarations(LIGHT)} }
@media (prefers-color-scheme: dark) { :root { ${declarations(DARK)} } }
body { margin: 0 auto; padding: 1rem; max-width: 70rem; font: 16px/1.5 ${FONT}; background: var(--background); color: var(--text); }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
svg { max-width: 100%; height: auto; display: block; }
.narrow { display: none; }
@media (max-width: 700px) { .wide { display: none; } .narrow { display: block; } }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th { font-weight: 600; } tr.best td { font-weight: 700; }
pre { overflow-x: auto; padding: 0.8rem; border: 1px solid var(--grid); border-radius: 6px; }
`;

interface Column {
  readonly title: string;
  readonly text: (epoch: EpochRecord) => string;
}

const scored = (title: string, of: (epoch: EpochRecord) => Scores | undefined): Column[] => [
  { title: `${title} loss`, text: (epoch) => digits(of(epoch)?.loss) },
  { title: `${title} top-1`, text: (epoch) => percent(of(epoch)?.top1) },
  { title: `${title} top-5`, text: (epoch) => percent(of(epoch)?.top5) },
];

const COLUMNS: readonly Column[] = [
  { title: 'epoch', text: ({ epoch }) => `${epoch}` },
  { title: 'λ', text: ({ lambda }) => lambda.toFixed(2) },
  { title: 'learning rate', text: ({ lr }) => lr.toExponential(2) },
  ...scored('train', ({ train }) => train),
  ...scored('validation', ({ validation }) => validation),
  { title: 'averaged top-1', text: ({ ema }) => percent(ema?.top1) },
  { title: 'seconds', text: ({ seconds }) => seconds.toFixed(1) },
  { title: 'images/s', text: ({ images_per_second }) => images_per_second.toFixed(0) },
  { title: 'idle', text: ({ idle }) => percent(idle) },
];

function table({ name, records }: Run): string {
  const epochs = epochsOf(records);
  const best = bestEpoch(records)?.epoch;
  // What no epoch has is no column.
  const columns = COLUMNS.filter(({ text }) => epochs.some((epoch) => text(epoch) !== '–'));
  const cells = (texts: readonly string[], tag: string): string =>
    texts.map((text) => `<${tag}>${escape(text)}</${tag}>`).join('');
  const rows = epochs.map((epoch) => {
    const mark = epoch.epoch === best ? ' class="best"' : '';
    return `<tr${mark}>${cells(
      columns.map(({ text }) => text(epoch)),
      'td',
    )}</tr>`;
  });
  const head = cells(
    columns.map(({ title }) => title),
    'th',
  );
  return `<h2>${escape(name)}</h2>\n<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

/** The curves as a page that needs nothing else: for wide and narrow screens, light and dark. */
export function curvesHtml(runs: readonly Run[], { title, config }: PageOptions = {}): string {
  const heading = title ?? `Training of ${runs.map(({ name }) => name).join(', ')}`;
  const drawn = (width: number): string => curvesSvg(runs, { title: heading, width, palette: VARIABLES });
  const recipe = config === undefined ? '' : `<h2>Recipe</h2>\n<pre>${escape(JSON.stringify(config, null, 2))}</pre>`;
  return [
    '<!doctype html>',
    '<html lang="en">',
    `<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(heading)}</title><style>${CSS}</style></head>`,
    '<body>',
    `<div class="wide">${drawn(1080)}</div>`,
    `<div class="narrow">${drawn(400)}</div>`,
    ...runs.map(table),
    recipe,
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

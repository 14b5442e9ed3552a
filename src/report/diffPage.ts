import { formatShape } from '../core/tensor.js';
import type { Comparison, LayerVerdict, Verdict } from '../diff/comparison.js';
import type { Measures } from '../diff/measures.js';
import { heatMapSvg } from './heatMapSvg.js';
import { headRow, htmlPage, NARROW, row, scrollable, WIDE } from './htmlPage.js';
import { ratioChart } from './ratioChart.js';
import { escape, VARIABLES } from './svg.js';

export interface DiffAbout {
  readonly weights: string;
  readonly form: string;
  /** The source of the batch, and its shape. */
  readonly input: string;
  readonly shape: readonly number[];
}

const palette = VARIABLES;

/** A number with three significant digits, in scientific notation if it is very small or large. */
function number(value: number): string {
  if (value === 0) return '0';
  if (!Number.isFinite(value)) return '∞';
  const size = Math.abs(value);
  return size < 1e-3 || size >= 1e6 ? value.toExponential(2) : Number(value.toPrecision(3)).toString();
}

const cells = ({ maxAbs, relative, ulps, angle }: Measures): string[] => [
  number(maxAbs),
  number(relative),
  ulps.toLocaleString('en-US'),
  Number.isNaN(angle) ? '' : number(angle),
];

const MEASURES = ['error', 'relative', 'ULPs', '1 − cosine'];

const OWN_HEAD = ['layer', 'computed from', ...MEASURES, 'worst', 'bound', 'ratio', 'outside'];
const GLOBAL_HEAD = ['layer', ...MEASURES];

const layerRow = ({ outside }: LayerVerdict, cellTexts: readonly string[], head: readonly string[]): string =>
  `<tr${outside > 0 ? ' class="outside"' : ''}>${row(cellTexts, head)}</tr>`;

function ownRow(verdict: LayerVerdict): string {
  const { layer, from, local, worst, outside, unjudged } = verdict;
  const own = [...cells(local), number(worst.error), number(worst.bound), number(worst.ratio), `${outside}`];
  return layerRow(verdict, [layer, from ?? 'input', ...(unjudged > 0 ? own.map(() => '') : own)], OWN_HEAD);
}

function globalRow(verdict: LayerVerdict): string {
  const { layer, global } = verdict;
  return layerRow(verdict, [layer, ...(global === null ? MEASURES.map(() => '') : cells(global))], GLOBAL_HEAD);
}

/** A table with a heading. Two of them instead of one that is wider than most pages. */
const layerTable = (title: string, backend: string, head: readonly string[], rows: readonly string[]): string => {
  const table = `<table class="left stack"><thead><tr>${headRow(head)}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table>`;
  return `<h3>${escape(title)}</h3>\n${scrollable(`${title}, ${backend}`, table)}`;
};

function summaryOf({ first, worst }: Verdict): string {
  if (first !== null) return `<p><strong>${escape(first)}</strong> is the first layer outside its bound.</p>`;
  if (worst === null) return '<p>Every layer is within its bound: nothing differs.</p>';
  return `<p>Every layer is within its bound. The largest ratio is ${number(worst.worst.ratio)}, in ${escape(worst.layer)}.</p>`;
}

/** The heat map of the layer with the largest ratio. */
function mapOf({ heatMap, worst }: Verdict): string {
  if (heatMap === null || worst === null) return '';
  const { at, got, exact, error, bound } = worst.worst;
  const pixels = heatMap.width * heatMap.height;
  const flat = heatMap.height === 1 && worst.shape[2] * worst.shape[3] === 1;
  const what = flat ? 'channels from left to right' : `channel ${heatMap.channel}, pixel by pixel`;
  const outside = heatMap.errors.filter((v, i) => !(v <= heatMap.bounds[i])).length;
  return `<h3>Worst layer: ${escape(worst.layer)}</h3>
<p>|error| in image ${heatMap.image}, ${what}; ${outside} of ${pixels} are outside their bounds. At ${formatShape(at)} the value is ${got},
expected ${exact} (float64): error ${number(error)}, bound ${number(bound)}.</p>
<figure class="map">${heatMapSvg(heatMap, { width: NARROW, palette })}</figure>`;
}

function section(verdict: Verdict, to: string): string {
  const { missing, unknown, layers } = verdict;
  const notes = [
    ...(missing.length > 0 ? [`No output, so their errors count in the next layer: ${missing.join(', ')}.`] : []),
    ...(unknown.length > 0 ? [`Not a layer of this network: ${unknown.join(', ')}.`] : []),
  ];
  const isCompared = layers.some(({ global }) => global !== null);
  const tables = [
    layerTable('Each layer on its own input, against float64', verdict.backend, OWN_HEAD, layers.map(ownRow)),
    ...(isCompared ? [layerTable(`Difference to ${to}`, verdict.backend, GLOBAL_HEAD, layers.map(globalRow))] : []),
  ];
  return `<section><h2>${escape(verdict.backend)}</h2>
${summaryOf(verdict)}
${notes.map((note) => `<p>${escape(note)}</p>`).join('\n')}
${mapOf(verdict)}
${tables.join('\n')}</section>`;
}

/** A comparison as one HTML file: a chart of all layers, a heat map of the worst layer of each backend, and a table. */
export function diffHtml({ to, verdicts }: Comparison, { weights, form, input, shape }: DiffAbout): string {
  const chart = (width: number): string => ratioChart(verdicts, { width, palette });
  return htmlPage(
    `Layer by layer: ${verdicts.map(({ backend }) => backend).join(', ')}`,
    `<p>${escape(`${weights}, ${form} form, on ${input} ${formatShape(shape)}`)}. Each layer is recomputed in float64 from its own
input, so that earlier errors do not count. The bound is the largest error that rounding to float32 explains.</p>
<figure class="wide">${chart(WIDE)}</figure>
<figure class="narrow">${chart(NARROW)}</figure>
${verdicts.map((verdict) => section(verdict, to)).join('\n')}`,
  );
}

/** A comparison as tables for a terminal, and as JSON. */
import type { Comparison, LayerVerdict, Verdict, Worst } from '../diff/comparison.js';
import type { Measures } from '../diff/measures.js';
import { formatShape } from '../core/tensor.js';
import { threeDigits, table } from './print.js';

const number = (value: number): string =>
  value === 0 ? '0' : Number.isFinite(value) ? threeDigits(value) : `${value}`;

const cells = ({ maxAbs, relative, ulps, angle }: Measures): string[] => [
  number(maxAbs),
  number(relative),
  ulps.toLocaleString('en-US'),
  number(angle),
];

function rowOf({ layer, local, worst, outside, global }: LayerVerdict): string[] {
  const { error, bound, ratio } = worst;
  const own = [...cells(local), number(error), number(bound), number(ratio), outside > 0 ? '<- outside' : ''];
  return [layer, ...own, '|', ...(global === null ? ['', '', '', ''] : cells(global))];
}

/** The verdict in one sentence: the first layer outside its bound, or the layer nearest to it. */
export function verdictLine({ first, layers, worst }: Verdict): string {
  const outside = layers.find(({ layer }) => layer === first);
  if (outside === undefined) {
    const nearest =
      worst === null ? 'nothing differs' : `the largest ratio is ${number(worst.worst.ratio)}, in ${worst.layer}`;
    return `every layer is within its bound; ${nearest}`;
  }
  const { at, got, exact, error, bound } = outside.worst;
  const count = `${outside.outside} element${outside.outside === 1 ? '' : 's'}`;
  return (
    `${outside.layer} is the first layer outside its bound, in ${count} of ${formatShape(outside.shape)}: ` +
    `${got} at ${formatShape(at)}, expected ${exact} (float64), error ${number(error)}, bound ${number(bound)}`
  );
}

/** Lines about outputs that could not be judged. */
export function noteLines({ missing, unknown, layers }: Verdict): string[] {
  const unjudged = layers.filter((layer) => layer.unjudged > 0);
  return [
    ...(missing.length > 0 ? [`no output, so their errors count in the next layer: ${missing.join(', ')}`] : []),
    ...(unknown.length > 0 ? [`not a layer of this network: ${unknown.join(', ')}`] : []),
    ...(unjudged.length > 0
      ? [`computed from NaN or infinity, not judged: ${unjudged.map(({ layer }) => layer).join(', ')}`]
      : []),
  ];
}

/** @param columns the width of the terminal */
export function formatVerdict(verdict: Verdict, to: string, columns = Infinity): string {
  const measures = ['error', 'relative', 'ULPs', '1-cosine'];
  const head = ['layer', ...measures, 'worst', 'bound', 'ratio', '', '|', ...measures];
  const lines = [table([head, ...verdict.layers.map(rowOf)], columns), '', verdictLine(verdict), ...noteLines(verdict)];
  return `${verdict.backend}: each layer on its own input | difference to ${to}\n\n${lines.join('\n')}`;
}

const jsonOf = ({ maxAbs, relative, ulps, angle }: Measures) => ({
  max_abs: maxAbs,
  relative,
  ulps,
  cosine: 1 - angle,
  one_minus_cosine: angle,
});

/** JSON writes an infinite ratio, an error where the bound is 0, as null. */
const worstOf = ({ at, got, exact, error, bound, ratio }: Worst) => ({ at, got, exact, error, bound, ratio });

export const comparisonJson = ({ to, verdicts }: Comparison) => ({
  to,
  backends: verdicts.map(({ backend, first, worst, missing, unknown, layers }) => ({
    backend,
    holds: first === null,
    first,
    worst: worst?.layer ?? null,
    missing,
    unknown,
    layers: layers.map(({ layer, op, from, shape, local, worst: worstElement, outside, unjudged, global }) => ({
      layer,
      op,
      from,
      shape,
      ...jsonOf(local),
      outside,
      unjudged,
      worst: worstOf(worstElement),
      to: global === null ? null : jsonOf(global),
    })),
  })),
});

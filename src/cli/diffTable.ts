/** A comparison as people read it in a terminal, and as programs do. */
import type { Comparison, LayerVerdict, Verdict, Worst } from '../diff/comparison.js';
import type { Measures } from '../diff/measures.js';
import { formatShape } from '../core/tensor.js';
import { brief, table } from './print.js';

const number = (value: number): string => (value === 0 ? '0' : Number.isFinite(value) ? brief(value) : `${value}`);

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

/** Where a bound is left, in one sentence. */
export function sentenceOf({ first, layers, worst }: Verdict): string {
  const culprit = layers.find(({ layer }) => layer === first);
  if (culprit === undefined) {
    const nearest =
      worst === null ? 'nothing differs' : `nearest to it is ${worst.layer}, ${number(worst.worst.ratio)}`;
    return `every layer stays within its bound; ${nearest}`;
  }
  const { at, got, exact, error, bound } = culprit.worst;
  const count = `${culprit.outside} element${culprit.outside === 1 ? '' : 's'}`;
  return (
    `${culprit.layer} is the first to leave its bound, by ${count} of ${formatShape(culprit.shape)}: ` +
    `${got} at ${formatShape(at)}, float64 has ${exact}, off by ${number(error)}, may be off by ${number(bound)}`
  );
}

/** What could not be looked at. */
export function notesOf({ missing, unknown, layers }: Verdict): string[] {
  const unjudged = layers.filter((layer) => layer.unjudged > 0);
  return [
    ...(missing.length > 0 ? [`not shown, their bounds carried on: ${missing.join(', ')}`] : []),
    ...(unknown.length > 0 ? [`no layer of this network: ${unknown.join(', ')}`] : []),
    ...(unjudged.length > 0
      ? [`computed from what is no number, not judged: ${unjudged.map(({ layer }) => layer).join(', ')}`]
      : []),
  ];
}

export function tableOf(verdict: Verdict, to: string): string {
  const measures = ['error', 'relative', 'ULPs', '1-cosine'];
  const head = ['layer', ...measures, 'worst', 'its bound', 'ratio', '', '|', ...measures];
  const lines = [table([head, ...verdict.layers.map(rowOf)]), '', sentenceOf(verdict), ...notesOf(verdict)];
  return `${verdict.backend}: each layer on what it was given | difference to ${to}\n\n${lines.join('\n')}`;
}

const jsonOf = ({ maxAbs, relative, ulps, angle }: Measures) => ({
  max_abs: maxAbs,
  relative,
  ulps,
  cosine: 1 - angle,
  one_minus_cosine: angle,
});

/** Numbers that JSON does not have become null: an infinite ratio is an error where nothing may be rounded. */
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
    layers: layers.map(({ layer, op, from, shape, local, worst: most, outside, unjudged, global }) => ({
      layer,
      op,
      from,
      shape,
      ...jsonOf(local),
      outside,
      unjudged,
      worst: worstOf(most),
      to: global === null ? null : jsonOf(global),
    })),
  })),
});

/** The report on the trainers, and its text. */
import type { TrainerName } from './job.js';

export interface TrainerTiming {
  readonly steps: number;
  readonly minMs: number;
  /** Median of `rounds`. */
  readonly medianMs: number;
  /** Median milliseconds of each round. */
  readonly rounds: readonly number[];
  /** Time relative to this package: the ratio of medians in each round, and of these the median. */
  readonly ratio: number;
  /** The ratio of medians in each round. */
  readonly ratios: readonly number[];
}

export interface TrainerRow {
  readonly trainer: TrainerName;
  readonly label: string;
  readonly version: string | null;
  readonly how: string | null;
  /** Whether it runs native code instead of WebAssembly. */
  readonly native: boolean;
  /** Losses of the untimed first steps. */
  readonly losses: readonly number[];
  /** Relative difference of the first and last loss from this package's; for this package, from the reference's. */
  readonly first: number | null;
  readonly last: number | null;
  /** Why there are no times: `SKIPPED …` or `WRONG …`. */
  readonly missing: string | null;
  readonly timing: TrainerTiming | null;
}

export interface TrainingPeersReport {
  readonly date: string;
  readonly quick: boolean;
  readonly what: string;
  readonly rows: readonly TrainerRow[];
}

const HEAD = ['1 thread each', 'median ms', 'min ms', 'to ours', 'by round', 'first loss off by', 'after 3 steps'];

function cells({ label, version, how, native, timing, first, last }: TrainerRow): string[] {
  const name = [label, version, how === null ? null : `(${how})`, native ? '(native)' : null]
    .filter((part) => part !== null)
    .join(' ');
  if (timing === null) return [name];
  const { medianMs, minMs, ratio, ratios } = timing;
  return [
    name,
    medianMs.toFixed(1),
    minMs.toFixed(1),
    `${ratio.toFixed(2)}x`,
    ratios.map((r) => r.toFixed(2)).join(' '),
    first?.toExponential(1) ?? '',
    last?.toExponential(1) ?? '',
  ];
}

/** A table with aligned columns. */
export function formatTrainers({ what, quick, rows }: TrainingPeersReport): string {
  const lines = rows.map((row) => ({ missing: row.missing, texts: cells(row) }));
  const widths = HEAD.map((title, i) => Math.max(title.length, ...lines.map(({ texts }) => texts.at(i)?.length ?? 0)));
  const align = (texts: readonly string[]): string =>
    texts
      .map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i])))
      .join('  ')
      .trimEnd();
  return [
    what,
    ...(quick ? ['A quick run, to test the benchmark: its numbers are not reliable.'] : []),
    align(HEAD),
    ...lines.map(({ missing, texts }) =>
      missing === null ? align(texts) : `${texts[0].padEnd(widths[0])}  ${missing}`,
    ),
    '"to ours" is the time relative to this package: the median over the rounds of the ratio of medians.',
  ].join('\n');
}

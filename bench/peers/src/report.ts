/** The report of a run, and its text. */
import type { RuntimeName } from './job.js';

export interface Round {
  readonly ms: readonly number[];
  readonly coldMs: number;
  readonly rssKiB: number | null;
}

export interface Timing {
  readonly runs: number;
  readonly minMs: number;
  readonly medianMs: number;
  /** Time relative to this package: the ratio of medians in each round, and of these the median. */
  readonly ratio: number;
  /** The ratio of medians in each round. */
  readonly ratios: readonly number[];
  /** Medians over the rounds. */
  readonly coldMs: number;
  readonly rssMiB: number | null;
  readonly rounds: readonly Round[];
}

export interface Row {
  readonly runtime: RuntimeName;
  readonly label: string;
  readonly version: string | null;
  readonly native: boolean;
  readonly threads: number;
  readonly batch: number;
  /**
   * Largest difference from this package's logits, relative to the largest logit; for this package, from the reference.
   */
  readonly difference: number | null;
  /** Why there are no times: `SKIPPED …` or `WRONG …`. */
  readonly missing: string | null;
  readonly timing: Timing | null;
  /** Size of the binaries as shipped, without JavaScript. */
  readonly binary: { readonly bytes: number; readonly gzip: number } | null;
}

export interface Report {
  readonly date: string;
  readonly quick: boolean;
  readonly network: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly platform: string;
    readonly node: string;
    readonly v8: string;
    readonly loadBefore: readonly number[];
    readonly loadAfter: readonly number[];
  };
  /** The largest difference between any two correct runtimes, by batch size. */
  readonly largestDifference: Readonly<Record<string, number>>;
  readonly rows: readonly Row[];
}

const HEAD = [
  '',
  'median ms',
  'min ms',
  'to ours',
  'by round',
  'cold ms',
  'peak MiB',
  'binary MB (gzip)',
  'logits off by',
];

export const countThreads = (threads: number): string => (threads === 1 ? '1 thread' : `${threads} threads`);

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 1e5 ? 3 : 1);

function cells({ label, version, native, timing, binary, difference }: Row): string[] {
  const name = [label, version ?? '', native ? '(native)' : ''].filter((part) => part !== '').join(' ');
  if (timing === null) return [name];
  const { medianMs, minMs, ratio, ratios, coldMs, rssMiB } = timing;
  return [
    name,
    medianMs.toFixed(1),
    minMs.toFixed(1),
    `${ratio.toFixed(2)}x`,
    ratios.map((r) => r.toFixed(2)).join(' '),
    coldMs.toFixed(0),
    rssMiB?.toFixed(0) ?? '',
    binary === null ? '' : `${megabytes(binary.bytes)} (${megabytes(binary.gzip)})`,
    difference?.toExponential(1) ?? '',
  ];
}

/** One table for each batch size and number of threads, with aligned columns. */
export function formatReport({ rows, machine, network, quick, largestDifference }: Report): string {
  const { cpu, cores, node, loadBefore, loadAfter } = machine;
  const loads = `load ${loadBefore[0].toFixed(2)} before, ${loadAfter[0].toFixed(2)} after`;
  const lines = [network, `${cpu}, ${cores} cores, Node ${node}, ${loads}`];
  if (quick) lines.push('A quick run, to test the benchmark: its numbers are not reliable.');

  const table = rows.map((row) => ({ row, cells: cells(row) }));
  const widths = HEAD.map((title, i) => Math.max(title.length, ...table.map((line) => line.cells.at(i)?.length ?? 0)));
  const align = (texts: readonly string[]): string =>
    texts
      .map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i])))
      .join('  ')
      .trimEnd();

  for (const batch of new Set(rows.map((row) => row.batch))) {
    const distance = largestDifference[batch];
    for (const threads of new Set(rows.map((row) => row.threads))) {
      lines.push('', align([`batch ${batch}, ${countThreads(threads)}`, ...HEAD.slice(1)]));
      for (const { row, cells: texts } of table) {
        if (row.batch !== batch || row.threads !== threads) continue;
        lines.push(row.missing === null ? align(texts) : `${texts[0].padEnd(widths[0])}  ${row.missing}`);
      }
    }
    lines.push(
      '',
      `batch ${batch}: any two correct runtimes differ by at most ${distance.toExponential(1)} of the largest logit`,
    );
  }
  lines.push(
    '"to ours" is the time relative to this package (median over the rounds of the ratio of medians). If this package',
    'was not measured on as many threads, it is relative to one thread. Cold: from process start to the first logits.',
  );
  return lines.join('\n');
}

/** What a runtime said, and whether it is what it should be. */

/** As programs/answer.mjs gives it. */
export interface Answer {
  /** Float32, as hexadecimal bytes. */
  readonly logits: string;
  readonly label: string;
  readonly build: string;
  readonly threads: number;
  /** Bytes of linear memory. */
  readonly memory: number;
  readonly loadMs: number;
  readonly ms: number;
}

export interface RuntimeRun {
  readonly runtime: string;
  readonly status: 'RAN' | 'SKIPPED' | 'FAILED';
  readonly reason?: string;
  readonly answers?: readonly Answer[];
  /** What was measured beside. */
  readonly notes?: readonly string[];
}

/** Why a check was not made. */
export interface Skipped {
  readonly skipped: string;
}

/** Of a check: why it does not hold; null where it does, or what was measured. */
export type Finding = string | null | readonly string[] | Skipped;

/** Why answers are not those of the plain build elsewhere; null where they are. */
export function misfit(answers: readonly Answer[], logits: string): string | null {
  const plain = answers.filter(({ build }) => build === 'plain');
  if (plain.length === 0) return 'the plain build did not run';
  const other = plain.find((answer) => answer.logits !== logits);
  if (other !== undefined) return `other logits on ${other.threads} threads: ${other.logits}, not ${logits}`;
  const labels = new Set(answers.map(({ label }) => label));
  return labels.size === 1 ? null : `builds that disagree: ${[...labels].join(', ')}`;
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

const answerLine = ({ build, threads, loadMs, ms, memory, label }: Answer): string =>
  `  ${build}, ${threads} thread${threads === 1 ? '' : 's'}: ${label}, ` +
  `loaded in ${loadMs.toFixed(1)} ms, answered in ${ms.toFixed(1)} ms, ${mebibytes(memory)}`;

export const linesOf = ({ runtime, status, reason, answers = [], notes = [] }: RuntimeRun): string[] => [
  `${status} ${runtime}${reason === undefined ? '' : `: ${reason}`}`,
  ...answers.map(answerLine),
  ...notes.map((note) => `  ${note}`),
];

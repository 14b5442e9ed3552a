/** The answers of a runtime, and whether they are correct. */

/** An answer of programs/answer.mjs. */
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
  /** Additional measurements. */
  readonly notes?: readonly string[];
}

/** Why a check was skipped. */
export interface Skipped {
  readonly skipped: string;
}

/** The result of a check: why it fails; null or measurements if it passes. */
export type Finding = string | null | readonly string[] | Skipped;

/** Compares answers with the logits of the plain build elsewhere. @returns the first mismatch, or null */
export function findMismatch(answers: readonly Answer[], logits: string): string | null {
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

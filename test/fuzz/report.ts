/** A rule that an input broke. */
export interface Fault {
  /** Equal for faults of one kind. */
  readonly fault: string;
  readonly detail: string;
  readonly index: number;
  /** The input: in words, or its bytes in base64. */
  readonly text?: string;
  readonly bytes?: string;
}

/** Inputs of one target, from the index `from` to before `to`. */
export interface Task {
  readonly target: string;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Describe the first input in words instead. */
  readonly explain?: boolean;
}

/** What became of the inputs of a target. */
export interface TargetReport {
  readonly target: string;
  readonly inputs: number;
  readonly accepted: number;
  readonly refused: number;
  /** Ended by an error of the input's own getters or signal. */
  readonly caller: number;
  /** Inputs that broke a rule. */
  readonly faulty: number;
  /** The most bytes that a call allocated beyond what its input allows. */
  readonly most: number;
  /** Milliseconds of the slowest call. */
  readonly slowest: number;
  readonly seconds: number;
  /** The first of each kind. */
  readonly faults: readonly Fault[];
}

/** A report of several parts of a target's inputs. */
export function sumReports(target: string, reports: readonly TargetReport[]): TargetReport {
  const sum = (key: 'inputs' | 'accepted' | 'refused' | 'caller' | 'faulty' | 'seconds'): number =>
    reports.reduce((total, report) => total + report[key], 0);
  const faults = new Map(reports.flatMap((report) => report.faults).map((fault) => [fault.fault, fault]));
  return {
    target,
    inputs: sum('inputs'),
    accepted: sum('accepted'),
    refused: sum('refused'),
    caller: sum('caller'),
    faulty: sum('faulty'),
    most: Math.max(0, ...reports.map(({ most }) => most)),
    slowest: Math.max(0, ...reports.map(({ slowest }) => slowest)),
    seconds: sum('seconds'),
    faults: [...faults.values()],
  };
}

const percent = (part: number, all: number): string => `${all === 0 ? 0 : ((100 * part) / all).toFixed(1)}%`;

/** `safetensors   100000 inputs  31.2% accepted  …`. */
export function lineOf(report: TargetReport): string {
  const { target, inputs, accepted, seconds, most, slowest, faults, faulty } = report;
  const verdict = faults.length === 0 ? 'ok' : `${faults.length} faults in ${faulty} inputs`;
  const mib = (most / 2 ** 20).toFixed(1);
  return [
    target.padEnd(44),
    `${inputs}`.padStart(7),
    `${percent(accepted, inputs)} accepted`.padStart(15),
    `${mib} MiB`.padStart(10),
    `${slowest.toFixed(0)} ms`.padStart(8),
    `${seconds.toFixed(1)} s`.padStart(9),
    ` ${verdict}`,
  ].join(' ');
}

/** Inputs of which a target must accept one: valid ones are drawn, too. */
const ENOUGH = 1000;

/** Adds a fault to the report of a target that has refused everything: it tries less than it seems to. */
export function requireAccepted(report: TargetReport): TargetReport {
  if (report.inputs < ENOUGH || report.accepted > 0) return report;
  const detail = `${report.refused} refused, ${report.caller} ended by the caller's errors`;
  const fault: Fault = { fault: 'accepted no input, not even a valid one', detail, index: 0, text: detail };
  return { ...report, faults: [...report.faults, fault] };
}

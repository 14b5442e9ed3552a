import { execFileSync } from 'node:child_process';

export interface TargetName {
  readonly name: string;
  readonly share: number;
}

/** The targets that a bundled worker knows. */
export const readTargetList = (script: string): TargetName[] =>
  JSON.parse(execFileSync(process.execPath, ['--no-warnings', script, '--list'], { encoding: 'utf8' })) as TargetName[];

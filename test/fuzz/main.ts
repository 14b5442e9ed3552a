/**
 * `npm run test:fuzz [-- TARGET…]`: tries damaged files on every reader, and hostile arguments on every public function.
 *
 * Each input is a function of the seed, the target and its index. A fault is printed with the command that repeats its
 * input, and written into dist/reports/fuzz. Exit status: 1 if there is a fault.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.js';
import { lineOf, requireAccepted, type Fault, type TargetReport } from './report.js';
import { Supervisor } from './supervisor.js';

const HELP = `Usage: npm run test:fuzz [-- TARGET… OPTION…]

Tries damaged files on every reader, and hostile arguments on every public function. A TARGET is the name of one, or the
beginning of several names: weights, core.resize, reference. Default: all.

  --count N     inputs per target (default 100000: hours for all targets; 10000 takes a tenth)
  --seed N      of the random numbers (default 1)
  --index I     describes input I of one TARGET, and what becomes of it
  --jobs N      processes at the same time (default: one per core)
  --list        prints the targets
  --help        prints this text
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    index: { type: 'string' },
    jobs: { type: 'string', default: `${availableParallelism()}` },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

function integer(name: 'count' | 'seed' | 'jobs' | 'index', min: number): number {
  const value = Number(values[name]);
  return Number.isSafeInteger(value) && value >= min ? value : fail(`--${name}: expected an integer >= ${min}`);
}

if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const REPORTS = fileURLToPath(new URL('../../dist/reports/fuzz/', import.meta.url));
const script = await bundle('worker');
const all = JSON.parse(
  execFileSync(process.execPath, ['--no-warnings', script, '--list'], { encoding: 'utf8' }),
) as string[];
const selection = all.filter(
  // An input is one of the target of that name, even if other names begin so.
  (name) =>
    positionals.length === 0 ||
    positionals.some((prefix) => (values.index === undefined ? name.startsWith(prefix) : name === prefix)),
);
if (selection.length === 0) fail(`no target begins with ${positionals.join(' or ')}; --list prints them`);
if (values.list) {
  for (const name of selection) console.log(name);
  process.exit(0);
}

const [count, seed, jobs] = [integer('count', 1), integer('seed', 0), integer('jobs', 1)];

if (values.index !== undefined) {
  if (selection.length !== 1) fail(`--index: expected one target, got ${selection.length}`);
  const supervisor = new Supervisor(script);
  const from = integer('index', 0);
  console.log(await supervisor.explain({ target: selection[0], seed, from, to: from + 1 }));
  supervisor.close();
  process.exit(0);
}

/** Writes the input of a fault. @returns the path */
function save(target: string, { index, fault, detail, text, bytes }: Fault): string {
  mkdirSync(REPORTS, { recursive: true });
  const base = `${REPORTS}${target}-${seed}-${index}`;
  writeFileSync(`${base}.txt`, `${repeat(target, index)}\n\n${fault}\n\n${detail}\n\n${text ?? ''}\n`);
  if (bytes === undefined) return `${base}.txt`;
  writeFileSync(`${base}.bin`, Buffer.from(bytes, 'base64'));
  return `${base}.bin`;
}

const repeat = (target: string, index: number): string =>
  `npm run test:fuzz -- ${target} --seed ${seed} --index ${index}`;

function print(report: TargetReport): void {
  console.log(lineOf(report));
  for (const fault of report.faults) {
    console.log(`  FAULT ${fault.fault}`);
    console.log(`    ${repeat(report.target, fault.index)}`);
    console.log(`    ${save(report.target, fault)}`);
  }
}

rmSync(REPORTS, { recursive: true, force: true });
const queue = [...selection];
const reports: TargetReport[] = [];
const start = performance.now();

async function work(): Promise<void> {
  const supervisor = new Supervisor(script);
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const report = requireAccepted(await supervisor.run({ target: next, seed, from: 0, to: count }));
    reports.push(report);
    print(report);
  }
  supervisor.close();
}

await Promise.all(Array.from({ length: Math.min(jobs, selection.length) }, work));

const faults = reports.reduce((sum, report) => sum + report.faults.length, 0);
const inputs = reports.reduce((sum, report) => sum + report.inputs, 0);
const seconds = Math.round((performance.now() - start) / 1000);
console.log(`${reports.length} targets, ${inputs} inputs, ${faults} faults, ${seconds} s`);
process.exitCode = faults > 0 ? 1 : 0;

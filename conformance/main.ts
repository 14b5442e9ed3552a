/** `npm run conformance`: compares this package's implementations, or a port of your own, with the vectors. */
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { judgeCase, type Verdict } from './judge.js';
import type { Port } from './port.js';
import { reference } from './ports/reference.js';
import { openTfjs } from './ports/tfjs.js';
import { openWasm } from './ports/wasm.js';
import { GROUPS, readGroup, type Group } from './vectors.js';

const HELP = `Usage: npm run conformance [-- PORT… OPTION…]

Compares implementations of VanillaNet with the vectors of conformance/. A PORT is reference, wasm:plain, wasm:relaxed,
tfjs:cpu, or a module whose default export is a Port (conformance/port.ts). Default: all four that run here.

  --group NAME   only these cases: ${GROUPS.join(', ')}
  --verbose, -v  a line for each case, not only for those that fail
  --json         one line of JSON for each case
  --help         prints this text

Exit status: 1 if a case fails, throws, or has a known fault.
`;

const OWN: Readonly<Record<string, () => Port | Promise<Port>>> = {
  reference: () => reference,
  'wasm:plain': () => openWasm('plain'),
  'wasm:relaxed': () => openWasm('relaxed'),
  'tfjs:cpu': openTfjs,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    group: { type: 'string', multiple: true },
    verbose: { type: 'boolean', short: 'v', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

async function openPort(name: string): Promise<Port> {
  if (Object.hasOwn(OWN, name)) return OWN[name]();
  const module = (await import(pathToFileURL(name).href).catch((error: unknown) =>
    fail(`${name}: expected ${Object.keys(OWN).join(', ')} or a module; ${String(error)}`),
  )) as { readonly default?: Port };
  return module.default ?? fail(`${name}: expected a Port as the default export`);
}

/** What one line says of a verdict. */
function lineOf(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'passes': {
      const without = verdict.missing.length === 0 ? '' : `, without ${verdict.missing.join(', ')}`;
      return `passes     ${verdict.ratio.toPrecision(2)} of the bound${without}`;
    }
    case 'has fault':
      return `FAULT      ${verdict.fault}: ${verdict.description}`;
    case 'fails':
      return `FAILS      ${verdict.ratio.toPrecision(3)} times the bound at ${verdict.at}`;
    case 'throws':
      return `THROWS     ${verdict.message}`;
    case 'not offered':
      return '-          not offered';
  }
}

async function compare(port: Port, groups: readonly Group[]): Promise<boolean> {
  const counts = { passes: 0, 'has fault': 0, fails: 0, throws: 0, 'not offered': 0 };
  for (const each of groups.flatMap((group) => readGroup(group))) {
    const verdict = await judgeCase(port, each);
    counts[verdict.kind]++;
    if (values.json) console.log(JSON.stringify({ port: port.name, case: each.name, ...verdict }));
    else if (verdict.kind !== 'passes' || process.stdout.isTTY)
      console.log(`${each.name.padEnd(42)} ${lineOf(verdict)}`);
  }
  const wrong = counts['has fault'] + counts.fails + counts.throws;
  const summary = `${counts.passes} passed, ${wrong} failed, ${counts['not offered']} not offered`;
  if (!values.json) console.log(`${port.name} (${port.precision}): ${summary}`);
  return wrong === 0;
}

if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const groups = (values.group ?? GROUPS).map((name) => {
  const group = GROUPS.find((each) => each === name);
  return group ?? fail(`--group: expected ${GROUPS.join(', ')}, got ${name}`);
});
const hasRelaxed = Number(process.versions.node.split('.')[0]) >= 22;
const ports = positionals.length > 0 ? positionals : Object.keys(OWN).filter((n) => n !== 'wasm:relaxed' || hasRelaxed);
const results: boolean[] = [];
for (const name of ports) results.push(await compare(await openPort(name), groups));
process.exitCode = results.every(Boolean) ? 0 : 1;

/**
 * `npm run weigh`: what the package and each of its entries weigh, as Markdown tables. Packs the package and
 * installs the tarball in an empty folder, so that the numbers are those that a user gets. With `-- --write`, it replaces
 * the tables in docs/runtimes.md.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Command } from 'commander';
import { format, resolveConfig } from 'prettier';
import { weighEntries, weighWorker } from './entryWeights.js';
import { bytesIn, installedPackages } from './installedPackages.js';
import { runScript } from './runScript.js';
import { ScriptError } from './scriptError.js';

const run = promisify(execFile);

const PAGE = 'docs/runtimes.md';
/** The tables lie between these lines of the page. */
const [BEGIN, END] = ['<!-- weights: npm run weigh -- --write -->', '<!-- end of weights -->'];

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

async function tableOfEntries(folder: string): Promise<string[]> {
  const gzip = (bytes: number | null): string => (bytes === null ? '' : kilobytes(bytes));
  const weights = await weighEntries(folder, join(folder, 'node_modules/vanillanet/package.json'));
  return [
    '| entry | files in Node | loaded in Node | bundled for browsers, gzip | bundled for workerd, gzip |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...weights.map(
      ({ entry, files, bytes, browser, workerd }) =>
        `| \`${entry}\` | ${files} | ${kilobytes(bytes)} | ${gzip(browser)} | ${gzip(workerd)} |`,
    ),
    `| a Worker that calls \`loadModel\` of \`vanillanet/core\` | | | | ${kilobytes(await weighWorker(folder))} |`,
  ];
}

async function tableOfPackages(folder: string, tarball: string): Promise<string[]> {
  const packages = await installedPackages(folder);
  const others = packages.filter(({ name }) => name !== 'vanillanet');
  const bytes = others.reduce((sum, { bytes: size }) => sum + size, 0);
  const names = others.map(({ name }) => `\`${name}\``).join(', ');
  return [
    '| package | size |',
    '| --- | ---: |',
    `| tarball | ${kilobytes((await stat(tarball)).size)} |`,
    `| unpacked | ${kilobytes(await bytesIn(join(folder, 'node_modules/vanillanet')))} |`,
    `| ${others.length} packages that it depends on: ${names} | ${kilobytes(bytes)} |`,
  ];
}

/** Packs and installs the package. @returns both tables */
async function weighPackage(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'vanillanet-weigh-'));
  try {
    const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      maxBuffer: 2 ** 26,
    });
    const [{ filename }] = JSON.parse(stdout) as [{ readonly filename: string }];
    const tarball = join(folder, filename);
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    await run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: folder });
    return [...(await tableOfPackages(folder, tarball)), '', ...(await tableOfEntries(folder))].join('\n');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Replaces the tables of the page. */
async function writeTables(tables: string): Promise<void> {
  const page = await readFile(PAGE, 'utf8');
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) {
    throw new ScriptError({ op: PAGE, expected: `the lines ${BEGIN} and ${END}`, got: 'a page without them' });
  }
  const text = `${page.slice(0, begin + BEGIN.length)}\n\n${tables}\n\n${page.slice(end)}`;
  await writeFile(PAGE, await format(text, { ...(await resolveConfig(PAGE)), filepath: PAGE }));
}

const program = new Command('npm run weigh --')
  .description('Prints what the package and each of its entries weigh, as Markdown tables.')
  .option('--write', `replace the tables in ${PAGE}`)
  .action(async ({ write }: { write?: true }) => {
    const tables = await weighPackage();
    console.log(tables);
    if (write) await writeTables(tables);
  });

process.exitCode = await runScript(program, process.argv.slice(2));

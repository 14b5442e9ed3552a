/** Releases a version with one command: `npm run release -- 0.2.0`. */
import { Command } from 'commander';
import { release } from './release/release.js';
import { runScript } from './runScript.js';

const program = new Command('npm run release --')
  .description(
    'Releases a version: runs the checks, moves the unreleased section of CHANGELOG.md to the version, sets the version ' +
      'in package.json and package-lock.json, commits, tags and pushes. The tag starts .github/workflows/release.yml, ' +
      'which publishes to npm with provenance and creates the release notes.',
  )
  .argument('<version>', 'a semantic version, such as 0.2.0')
  .option('--dry-run', 'show every step, run the checks and npm publish --dry-run, change nothing')
  .action((version: string, { dryRun = false }: { dryRun?: boolean }) =>
    release({ version, date: new Date().toISOString().slice(0, 10), dryRun }, console.log),
  );

process.exitCode = await runScript(program, process.argv.slice(2));

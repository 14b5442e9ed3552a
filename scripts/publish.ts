/** Publishes a tagged version; for .github/workflows/release.yml. */
import { Command } from 'commander';
import { publish } from './release/publish.js';
import { runScript } from './runScript.js';

const program = new Command('npm run release:publish --')
  .description('Publishes the package to npm with provenance. It runs in .github/workflows/release.yml.')
  .argument('<tag>', 'the tag of the release, such as v0.2.0')
  .requiredOption('--notes <file>', 'write the release notes here')
  .action((tag: string, { notes }: { notes: string }) => publish(tag, notes));

process.exitCode = await runScript(program, process.argv.slice(2));

/** Computes recorded test values anew and shows what changes: `npm run goldens`. Writes only with --write. */
import { Command } from 'commander';
import { GOLDEN_SETS } from './goldens/sets.js';
import { updateSet } from './goldens/update.js';
import { runScript } from './runScript.js';
import { ScriptError } from './scriptError.js';

const NAMES = Object.keys(GOLDEN_SETS);

const program = new Command('npm run goldens --')
  .description(
    'Computes recorded test values anew and prints every difference: the digests of trainings, and the values that ' +
      'PyTorch, Pillow, torchvision and timm give. Exit status 1 if some differ and --write is not given.',
  )
  .argument('[set...]', `${NAMES.join(', ')}; all of them by default`)
  .option('--write', 'replace the recorded values')
  .option('--python <path>', 'a Python with the packages that the README of each set names')
  .action(async (sets: string[], options: { write?: true; python?: string }) => {
    const python = options.python ?? process.env['VANILLANET_PYTHON'] ?? 'python3';
    const unknown = sets.find((name) => !NAMES.includes(name));
    if (unknown !== undefined) {
      throw new ScriptError({ op: 'goldens', expected: `a set of ${NAMES.join(', ')}`, got: unknown });
    }
    let count = 0;
    for (const name of sets.length > 0 ? sets : NAMES) {
      count += await updateSet(name, GOLDEN_SETS[name], { python, write: options.write === true }, console.log);
    }
    if (count === 0 || options.write) return;
    const got = `${count} that differ`;
    throw new ScriptError({ op: 'goldens', expected: 'recorded values', got, hint: 'To replace them, add --write.' });
  });

process.exitCode = await runScript(program, process.argv.slice(2));

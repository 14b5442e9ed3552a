import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, sourceOf, toolsFor } from './build.js';
import { check, type Checked } from './check.js';
import type { Flavor } from './flavor.js';
import { locationOf } from './location.js';
import { installOrdinarily, removeOrdinary } from './ordinary.js';
import { installPackages } from './packages.js';
import { linesOf, SetupError } from './setupError.js';
import { staged } from './staging.js';

export interface Options {
  readonly libtensorflow?: string;
  /** Build it even where it is there. */
  readonly force?: true;
}

const described = ({ libtensorflow, device }: Checked): string =>
  `libtensorflow ${libtensorflow}, computes on ${device}`;

/** What it is made of. */
const STEPS = { locationOf: locationOf, toolsFor, installPackages, installOrdinarily, build, check };

/** Sees to it that a flavor is there and right. */
export async function setup(
  flavor: Flavor,
  options: Options,
  say: (line: string) => void,
  by: typeof STEPS = STEPS,
): Promise<void> {
  const location = by.locationOf(flavor);
  const entry = join(location.built, location.entry);
  if (existsSync(location.built) && !options.force) {
    try {
      say(`${flavor.name} is there: ${described(await by.check(entry))}`);
      if (options.libtensorflow !== undefined)
        say(`not of ${options.libtensorflow}, unless it was before: --force builds it anew`);
      return;
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      say(`${flavor.name} is there but of no use, and built again: ${error.message}`);
    }
  }

  // What is asked in vain is said before anything is downloaded.
  const given = options.libtensorflow === undefined ? undefined : await sourceOf(options.libtensorflow);
  const tools = given === undefined ? undefined : await by.toolsFor(given);
  let checked: Checked | undefined;
  await staged(location.folder, 'built', async (inside) => {
    say(`installing @tensorflow/${flavor.name}, without its install script`);
    await by.installPackages(location.folder, inside);
    const packageFolder = join(inside, location.package);
    const exports = `module.exports = require('@tensorflow/${flavor.name}');\n`;
    await writeFile(join(inside, location.entry), exports);
    const checkIt = (): Promise<Checked> => {
      say('checking a convolution and its gradient');
      return by.check(join(inside, location.entry));
    };
    if (given === undefined || tools === undefined) {
      try {
        say("the package's own install");
        await by.installOrdinarily(flavor, inside, packageFolder);
        // Another Node than it is for, or another machine: then it is built here.
        checked = await checkIt();
        return;
      } catch (error) {
        if (!(error instanceof SetupError)) throw error;
        say(`which failed: ${linesOf(error).join(' ')}; so it is built`);
        await removeOrdinary(packageFolder);
      }
    }
    const source = given ?? ({ kind: 'pip' } as const);
    await by.build(flavor, source, tools ?? (await by.toolsFor(source)), inside, packageFolder, say);
    checked = await checkIt();
  });
  if (checked !== undefined) say(`${flavor.name} is ready: ${described(checked)}; ${entry}`);
}

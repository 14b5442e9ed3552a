import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, sourceOf, toolsFor } from './build.js';
import { check, type AddonInfo } from './check.js';
import type { Flavor } from './flavor.js';
import { locationOf } from './location.js';
import { installOrdinarily, removeOrdinary } from './ordinary.js';
import { installPackages } from './packages.js';
import { errorLines } from '../scriptError.js';
import { SetupError } from './setupError.js';
import { staged } from './staging.js';

export interface Options {
  readonly libtensorflow?: string;
  /** Build again even if a working build exists. */
  readonly force?: true;
}

const describe = ({ libtensorflow, device }: AddonInfo): string =>
  `libtensorflow ${libtensorflow}, computes on ${device}`;

/** The steps of a setup; tests replace them. */
const STEPS = { locationOf, toolsFor, installPackages, installOrdinarily, build, check };

/** Whether a working build exists. Logs what it finds. */
async function hasWorkingBuild(
  flavor: Flavor,
  entry: string,
  { libtensorflow }: Options,
  log: (line: string) => void,
  steps: typeof STEPS,
): Promise<boolean> {
  try {
    log(`${flavor.name} exists: ${describe(await steps.check(entry))}`);
    if (libtensorflow !== undefined) log(`${libtensorflow} is ignored; --force builds again`);
    return true;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    log(`${flavor.name} exists but does not work, and is built again: ${error.message}`);
    return false;
  }
}

/** Makes sure that a flavor is built and computes correctly. @throws SetupError, or AggregateError of several */
export async function setup(
  flavor: Flavor,
  options: Options,
  log: (line: string) => void,
  steps: typeof STEPS = STEPS,
): Promise<void> {
  const location = steps.locationOf(flavor);
  const entry = join(location.built, location.entry);
  if (existsSync(location.built) && !options.force) {
    if (await hasWorkingBuild(flavor, entry, options, log, steps)) return;
  }

  // Fail before downloading.
  const source = options.libtensorflow === undefined ? undefined : await sourceOf(options.libtensorflow);
  const tools = source === undefined ? undefined : await steps.toolsFor(source);
  let info: AddonInfo | undefined;
  await staged(location.folder, 'built', async (inside) => {
    log(`installing @tensorflow/${flavor.name} without its install script`);
    await steps.installPackages(location.folder, inside);
    const packageFolder = join(inside, location.package);
    const exports = `module.exports = require('@tensorflow/${flavor.name}');\n`;
    await writeFile(join(inside, location.entry), exports);
    const checkAddon = (): Promise<AddonInfo> => {
      log('checking a convolution and its gradients');
      return steps.check(join(inside, location.entry));
    };
    if (source === undefined || tools === undefined) {
      try {
        log("running the package's own install script");
        await steps.installOrdinarily(flavor, inside, packageFolder);
        // Fails if the downloaded addon is for another Node or another machine.
        info = await checkAddon();
        return;
      } catch (error) {
        if (!(error instanceof SetupError)) throw error;
        log(`it failed: ${errorLines(error).join(' ')} Building instead.`);
        await removeOrdinary(packageFolder);
      }
    }
    const buildSource = source ?? ({ kind: 'pip' } as const);
    const buildTools = tools ?? (await steps.toolsFor(buildSource));
    await steps.build(flavor, buildSource, buildTools, inside, packageFolder, log);
    info = await checkAddon();
  });
  if (info !== undefined) log(`${flavor.name} is ready: ${describe(info)}; ${entry}`);
}

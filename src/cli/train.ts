import { Command } from 'commander';
import { resolve } from 'node:path';
import { ParamError } from '../core/errors.js';
import { RunFolder } from '../train/runFolder.js';
import { withBackend } from './backends.js';
import { followTraining } from './followTraining.js';
import { nameFlags } from './flagNames.js';
import { withClosingText } from './helpLayout.js';
import { errorLine, printText } from './print.js';
import {
  checkInitialWeights,
  flagsToStore,
  restartedFlags,
  restartedInit,
  resumedFlags,
  resumedPlan,
  type IsGiven,
} from './resumedRun.js';
import { DEFAULT_OUTPUT, flagOf, withTraining, type TrainFlags } from './trainFlags.js';
import { planRun, type RunPlan } from './runPlan.js';
import { dataSpec, prepareRun } from './trainingSetup.js';
import { withRecipe } from './trainOptions.js';
import { refuseUnusedFlags } from './unusedFlags.js';

/** The folder of the run, which `--output` or `--resume` names. */
function folderOf({ output, resume }: TrainFlags): string {
  if (typeof resume !== 'string') return output ?? DEFAULT_OUTPUT;
  if (output !== undefined && resolve(output) !== resolve(resume)) {
    throw new ParamError({ op: '--output', expected: `${resume}, as --resume has it, or none`, got: output });
  }
  return resume;
}

interface PlannedRun {
  readonly flags: TrainFlags;
  readonly plan: RunPlan;
}

/** The flags and the recipe of a run that continues in its folder. */
async function planResumed(folder: RunFolder, flags: TrainFlags, isGiven: IsGiven): Promise<PlannedRun> {
  const whole = await resumedFlags(folder, flags, isGiven);
  const plan = await resumedPlan(folder, whole, isGiven);
  if (plan !== null) return { flags: whole, plan };
  const init = await restartedInit(folder);
  const restarted = await planRun({ ...restartedFlags(folder, whole, isGiven), ...init });
  checkInitialWeights(folder, restarted);
  return { flags: { ...whole, ...init }, plan: restarted };
}

/** Errors name flags, as the user knows them. */
async function runWithFlagNames(flags: TrainFlags, command: Command): Promise<void> {
  try {
    await run(flags, command);
  } catch (error) {
    throw nameFlags(error, flags);
  }
}

/** A run that is resumed has its weights. @throws ParamError */
function refuseInitOfResumed(flags: TrainFlags, isResumed: boolean): void {
  const name = (['init', 'newHead'] as const).find((flag) => flags[flag] !== undefined);
  if (!isResumed || name === undefined) return;
  const hint = 'Omit it: the run continues with the weights of its checkpoint. To start anew, omit --resume.';
  throw new ParamError({ op: flagOf(name), expected: 'a new run', got: '--resume', hint });
}

/** Resolves the options and runs the training in its folder, which is locked until the end. */
async function run(flags: TrainFlags, command: Command): Promise<void> {
  const isResumed = flags.resume !== undefined;
  if (flags.acceptData === true && !isResumed) {
    const hint = 'Add --resume, or omit --accept-data.';
    throw new ParamError({ op: 'accept-data', expected: '--resume', got: 'a new run', hint });
  }
  refuseInitOfResumed(flags, isResumed);
  const isGiven: IsGiven = (name) => command.getOptionValueSource(name) === 'cli';
  const path = folderOf(flags);
  // Before the folder of a new run is looked at: the error of a flag comes first.
  const newPlan = isResumed ? null : await planRun(flags);
  const folder = await RunFolder.open(path, {
    resume: isResumed,
    onDamage: (error) => {
      printText(process.stderr, `${errorLine(error)}; using the previous checkpoint`);
    },
  });
  try {
    const { flags: whole, plan } =
      newPlan === null ? await planResumed(folder, flags, isGiven) : { flags, plan: newPlan };
    refuseUnusedFlags({ backend: whole.backend, data: await dataSpec(whole) }, isGiven);
    const stored = flagsToStore(folder, whole, isGiven);
    await followTraining(await prepareRun(folder, plan, whole, stored), whole);
  } finally {
    await folder.close();
  }
}

const HELP =
  '--init FILE fine-tunes: the file decides the network, lambda is 1 unless --decay-epochs lets it rise again, and the head ' +
  'is drawn anew if the number of classes differs. --freeze backbone trains the head alone; frozen parts keep every bit, and ' +
  'their batch norms use running statistics; bn freezes only these, of stem and stages. --head-lr is a rate as --lr, on the ' +
  'same curve. Weights of the deploy form are trained fused.\n\n' +
  'Each epoch prints its speed and `idle`, the share of its time in which the network waited for images: more ' +
  '--workers lower it. Ctrl-C saves a checkpoint; continue with vanillanet train --resume <folder>.';

export const trainCommand = (): Command =>
  withClosingText(
    withRecipe(
      withTraining(
        withBackend(new Command('train').description('Train a network in the deep form.'), '--backend <name>'),
      ),
    ),
    HELP,
  ).action(runWithFlagNames);

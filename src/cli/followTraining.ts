/** A training on the command line from its first step on: display, records, signals and the end. */
import { join } from 'node:path';
import { DataError } from '../core/errors.js';
import type { Progress, TrainingResult } from '../train/progress.js';
import type { RunFolder } from '../train/runFolder.js';
import { train } from '../train/train.js';
import { formatPercent } from '../report/percent.js';
import type { InvalidLine } from '../report/record.js';
import { costEstimate } from './costEstimate.js';
import { nextSteps } from './nextSteps.js';
import { errorLine, printLine, printText, shellWord, toJson } from './print.js';
import { trainingDisplay } from './progressBar.js';
import { RunRecorder } from './runRecorder.js';
import { EXIT_STATUS, stopSignals } from './stopSignals.js';
import type { TrainFlags } from './trainFlags.js';
import { VAL_SPLIT } from './trainingData.js';
import type { RunSetup } from './trainingSetup.js';

type Note = (text: string) => void;

/**
 * Ends the process by SIGHUP if its terminal is gone. Node restores the terminal's settings when it exits, and
 * aborts if it cannot; the signal has the same exit status.
 */
function endWithTerminal(): void {
  if ([process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)) process.kill(process.pid, 'SIGHUP');
}

interface Display {
  readonly record: (progress: Progress) => void;
  readonly note: Note;
  readonly stop: () => void;
}

/** Shows progress: a JSON line a record with --json, else a bar or lines. */
function openDisplay(json: boolean, { recipe, data }: RunSetup): Display {
  const { epochs, batchSize } = recipe;
  const { n, classNames } = data.train;
  if (json) {
    return {
      record: (progress) => {
        printLine(process.stdout, toJson(progress)); // JSON omits functions
      },
      note: () => undefined,
      stop: () => undefined,
    };
  }
  const display = trainingDisplay({ epochs, steps: Math.floor(n / batchSize), classes: classNames.length });
  const estimate = costEstimate({ epochs, batchSize });
  return {
    record: (progress) => {
      if (progress.kind === 'epoch') {
        display.epoch(progress);
        return;
      }
      display.step(progress);
      const line = estimate(progress);
      if (line !== null) display.note(line);
    },
    note: (text) => {
      display.note(text);
    },
    stop: () => {
      display.stop();
    },
  };
}

/** Trains to the end or until a signal, and records everything in the folder. */
export async function followTraining(run: RunSetup, options: TrainFlags): Promise<void> {
  const { folder, data, config, recipe, state, openTrainer, origin, file } = run;
  const display = openDisplay(options.json ?? false, run);
  const note: Note = (text) => {
    if (!options.json) printText(process.stdout, text);
  };
  const warn = (text: string): void => {
    display.stop();
    printText(process.stderr, text);
  };
  const signals = stopSignals((signal) => {
    if (signal !== 'SIGHUP') display.note('stopping after the next checkpoint; send the signal again to stop at once');
  });
  const recorder = new RunRecorder(folder, {
    ...{ stops: () => signals.received() !== null, every: options.checkpointEvery, logEvery: options.logEvery },
    onUnsaved: (error) => {
      warn(`${error instanceof Error ? errorLine(error) : String(error)}; the last steps are lost`);
    },
    onStale: (error) => {
      warn(`${errorLine(error)}; the training continues`);
    },
  });
  let hasBegun = false;
  try {
    const steps = train(data, config, recipe, {
      ...{ openTrainer, workers: options.workers, acceptData: options.acceptData ?? false },
      onResumePoint: (point) => recorder.between(point),
      ...(folder.checkpoint === null ? {} : { resume: folder.checkpoint }),
      ...(state === undefined ? {} : { state }),
    });
    const invalid = await folder.begin(file, origin, options);
    if (invalid.length > 0) warn(rejectionNote(folder, invalid));
    folder.warnings.forEach(warn);
    hasBegun = true;
    const trained = await recorder.follow(steps, display.record);
    display.stop();
    if (trained !== null && (await folder.restoreIfRemoved())) {
      warn(`${folder.path} was removed or emptied; its records are written again, and the best weights may be missing`);
    }
    const failures = await recorder.derive();
    const signal = signals.received();
    if (trained !== null) {
      await finish(trained, folder, note);
      if (!options.json) describeNextSteps(trained, run);
      // Not earlier: the weights count more than a picture.
      if (failures.length > 0) throw failures[0];
    } else if (signal !== null) {
      for (const error of failures) warn(errorLine(error));
      note(`stopped; continue with: ${resumeCommand(folder)}`);
      process.exitCode = EXIT_STATUS[signal];
    }
  } catch (error) {
    display.stop();
    if (hasBegun) note(`kept   ${await folder.describeWeights()}`);
    throw withRemedy(error);
  } finally {
    // Before signals have their default effect again, which would leave the lock file behind.
    await folder.close();
    signals.settle();
  }
  if (signals.received() === 'SIGHUP') endWithTerminal();
}

/** The line about lines of the metrics that are not records. */
function rejectionNote({ path }: RunFolder, invalid: readonly InvalidLine[]): string {
  const [{ line, expected, got }] = invalid;
  const count = invalid.length === 1 ? 'moved' : `the first of ${invalid.length} such lines, moved`;
  return `${join(path, 'metrics.jsonl')}:${line}: expected ${expected}, got ${got}; ${count} to metrics.rejected.jsonl`;
}

const resumeCommand = ({ path }: RunFolder): string => `vanillanet train --resume ${shellWord(path)}`;

/** Writes the last weights, and names the files of the best. */
async function finish(trained: TrainingResult, folder: RunFolder, note: Note): Promise<void> {
  const path = await folder.saveWeights('last', trained);
  note(`wrote  ${path} (${trained.config.form} form, lambda 1)`);
  for (const [name, best] of [
    ['best', trained.best],
    ['best-fusable', trained.bestFusable],
  ] as const) {
    if (best === null || !(await folder.hasWeights(name))) continue;
    const top1 = best.top1 === null ? '' : `, top-1 ${formatPercent(best.top1)}`;
    note(`       ${join(folder.path, `${name}.safetensors`)} (epoch ${best.epoch}${top1})`);
  }
}

/** Prints the next commands in lines that can be copied: they are not broken. */
function describeNextSteps({ config, bestFusable }: TrainingResult, { folder, data, origin, recipe }: RunSetup): void {
  const { splitSource } = data.train;
  const finished = {
    ...{ folder: folder.path, form: config.form, hasBestFusable: bestFusable !== null, seed: recipe.seed },
    spec: origin.data.spec,
    valSplit: splitSource === 'drawn' && data.validation !== null ? (origin.data.val_split ?? VAL_SPLIT) : null,
  };
  nextSteps(finished).forEach((line, i) => {
    printLine(process.stdout, `${i === 0 ? 'next ' : '     '}  ${line}`);
  });
}

/** Adds to an error of the data how the training can continue. */
function withRemedy(error: unknown): unknown {
  if (!(error instanceof DataError)) return error;
  const { op, expected, got, hint: repair = 'Fix the file.' } = error;
  const hint = `${repair} Then run with --resume --accept-data, or leave it out: add --on-bad-image skip.`;
  return new DataError({ op, expected, got, hint }, { cause: error });
}

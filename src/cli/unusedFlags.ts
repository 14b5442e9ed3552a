/** Flags of `train` that have no effect on the backend or the data of the run. */
import { ParamError } from '../core/errors.js';
import { isSetName } from '../data/sets/find.js';
import { wasmBackend } from '../wasm/inference/backend.js';
import type { IsGiven } from './resumedRun.js';
import { flagOf, type TrainFlags } from './trainFlags.js';

/** The data set that is drawn in memory: it has no files and no folders. */
const DRAWN = 'shapes';

interface Choice {
  readonly backend: string;
  /** The name or path of the data set. */
  readonly data: string;
}

const CONDITIONS: readonly (readonly [
  flags: readonly (keyof TrainFlags)[],
  expected: string,
  got: (choice: Choice) => string | null,
])[] = [
  [
    ['build', 'threads'],
    `--backend ${wasmBackend.name}`,
    ({ backend }) => (backend === wasmBackend.name ? null : backend),
  ],
  [
    ['valSplit', 'onBadImage', 'cache'],
    '--data with image files',
    ({ data }) => (data === DRAWN ? `${DRAWN}, which are drawn` : isSetName(data) ? `${data}, which has none` : null),
  ],
];

/** @param isGiven whether a flag is on the command line @throws ParamError for one without effect */
export function refuseUnusedFlags(choice: Choice, isGiven: IsGiven): void {
  for (const [names, expected, gotOf] of CONDITIONS) {
    const got = gotOf(choice);
    const name = names.find(isGiven);
    if (got === null || name === undefined) continue;
    const flag = flagOf(name);
    throw new ParamError({ op: flag, expected, got, hint: `Omit ${flag}, which has no effect.` });
  }
}

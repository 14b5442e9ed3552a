import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

/** A folder of src/; its mutants must be found by the tests in the folder of the same name in test/, and by those of MORE_TESTS. */
export const ROOMS = [
  'image',
  'model',
  'io',
  'data',
  'train',
  'cli',
  'core',
  'diff',
  'report',
  'deploy',
  'oracle',
] as const;
export type Room = (typeof ROOMS)[number];

/** The rooms of which 85% of the mutants must be found. */
export const GUARDED: readonly Room[] = ['image', 'model', 'io', 'data', 'train', 'cli'];
export const THRESHOLD = 0.85;

/** Tests of a room that are in another folder. */
const MORE_TESTS: Partial<Record<Room, readonly string[]>> = {
  image: ['test/model/inputs.test.ts'],
  io: [
    ...['test/model/abortLoad.test.ts', 'test/model/loadModel.test.ts', 'test/model/refusedOptions.test.ts'],
    // Of pickles, and of safetensors with other tensors beside the weights.
    ...['paddle', 'safetensorsFile', 'torch', 'judgedFiles', 'exportWeights'].map(
      (name) => `test/formats/${name}.test.ts`,
    ),
    'test/data/sets/pickle.test.ts',
  ],
  model: ['test/image/classify.test.ts'],
};

const filesIn = (folder: string): string[] =>
  (readdirSync(`${ROOT}/${folder}`, { recursive: true }) as string[]).map(
    (file) => `${folder}/${file.replaceAll('\\', '/')}`,
  );

export const sourcesOf = (room: Room): string[] =>
  filesIn(`src/${room}`)
    .filter((file) => file.endsWith('.ts'))
    .sort();

/** Test files of a room; without those that are not part of `npm test`. */
export const testsOf = (room: Room): string[] =>
  [...filesIn(`test/${room}`), ...(MORE_TESTS[room] ?? [])]
    .filter((file) => file.endsWith('.test.ts') && !/[mM]utants\.test\.ts$|\.(long|frameworks)\.test\.ts$/.test(file))
    .sort();

export const roomOf = (file: string): Room | undefined => ROOMS.find((room) => file.startsWith(`src/${room}/`));

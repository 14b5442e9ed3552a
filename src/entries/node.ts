/**
 * What needs Node, Deno or Bun: files, image decoding, data sets, fusion, and the reference as a backend.
 *
 * @module vanillanet/node
 */
export { batchOf } from '../data/sets/batchOf.js';
export { readCifar10, readCifar100 } from '../data/sets/cifar.js';
export { checkDataset, classCounts, imbalance, type Imbalance } from '../data/sets/classes.js';
export {
  isStreamed,
  subset,
  evenlySpaced,
  type DataSet,
  type FolderSplit,
  type ImageSet,
  type SkippedImage,
  type Split,
  type StreamedSet,
} from '../data/sets/dataset.js';
export {
  download,
  DOWNLOADS,
  type DownloadFile,
  type DownloadOptions,
  type DownloadResult,
} from '../data/sets/download.js';
export { findCifar10, findData } from '../data/sets/find.js';
export { readImage } from '../data/decode/image.js';
export {
  readImageFolder,
  type Cache,
  type CacheOptions,
  type DecodeOptions,
  type ImageFolderOptions,
} from '../data/sets/imageFolder.js';
export { openDataset, type OpenDatasetOptions } from '../data/sets/open.js';
export { loadSubset } from '../data/sets/loadSubset.js';
export { prepareInputs } from '../data/sets/prepareInputs.js';
export { drawShapes } from '../data/sets/shapes.js';
export { readWeights, writeWeights, type LoadedWeights } from '../io/weightsFile.js';
export { referenceBackend } from '../oracle/backend.js';
export { fuseState, type FusedState } from '../oracle/fuse.js';
export { verifyFused, type Verification } from '../oracle/verify.js';

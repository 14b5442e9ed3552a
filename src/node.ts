/** `vanillanet/node`, what needs Node: files, images, data sets, the oracle as a backend, fusion. */
export { batchOf } from './data/normalise.js';
export { readCifar10, readCifar100 } from './data/cifar.js';
export { checkSet, classCounts, imbalance, type Imbalance } from './data/classes.js';
export {
  isStreamed,
  pick,
  spread,
  type DataSet,
  type FolderSplit,
  type ImageSet,
  type SkippedImage,
  type Split,
  type StreamedSet,
} from './data/dataset.js';
export { download, DOWNLOADS, type Downloaded, type DownloadOptions, type RemoteFile } from './data/download.js';
export { findCifar10, findData } from './data/find.js';
export { readImage } from './data/image.js';
export {
  readImageFolder,
  type Cache,
  type CacheOptions,
  type DecodeOptions,
  type ImageFolderOptions,
} from './data/imageFolder.js';
export { openDataset, type OpenOptions } from './data/open.js';
export { partOf } from './data/part.js';
export { drawShapes } from './data/shapes.js';
export { readWeights, writeWeights, type LoadedWeights } from './io/weightsFile.js';
export { referenceBackend } from './oracle/backend.js';
export { fuseState, type FusedState } from './oracle/fuse.js';
export { verifyFused, type Verification } from './oracle/verify.js';

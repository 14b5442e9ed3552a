import { fileURLToPath } from 'node:url';
import { judgeKeras } from './judgeKeras.js';

const FOLDER = fileURLToPath(new URL('fixtures/keras', import.meta.url));

// The others are read by the long test.
judgeKeras(() => FOLDER, ['5_train.h5', '6_deploy.h5', 'changed.h5', 'epsilon.h5', 'train.keras', 'keras3.weights.h5']);

/** As keras.test.ts, with all committed networks. */
import { fileURLToPath } from 'node:url';
import { judgeKeras, networksIn } from './judgeKeras.js';

const FOLDER = fileURLToPath(new URL('fixtures/keras', import.meta.url));

judgeKeras(() => FOLDER, Object.keys(networksIn(FOLDER)));

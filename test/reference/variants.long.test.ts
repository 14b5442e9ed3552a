import { describe } from '@jest/globals';
import { VARIANTS } from '../../reference/index.js';
import { testVariant } from './variantGolden.js';

describe.each(Object.keys(VARIANTS))('%s', testVariant);

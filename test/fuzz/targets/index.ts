import type { Target } from '../target.js';
import { targets as core } from './core.js';
import { targets as data } from './data.js';
import { targets as formats } from './formats.js';
import { targets as node } from './node.js';
import { targets as reference } from './reference.js';
import { targets as runs } from './runs.js';
import { targets as tfjs } from './tfjs.js';
import { targets as weights } from './weights.js';

/** All targets; their names are unique. */
export const TARGETS: readonly Target[] = [
  ...[...weights, ...formats, ...data, ...runs],
  ...[...core, ...node, ...tfjs, ...reference],
];

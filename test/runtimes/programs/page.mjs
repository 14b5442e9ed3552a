/** The script of a page, to be bundled. */
import * as vanillanet from 'vanillanet';
import { answersOf } from './pageAnswers.mjs';

globalThis.answers = (source) => answersOf(vanillanet, source);

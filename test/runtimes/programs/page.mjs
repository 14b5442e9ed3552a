/** A page, bundled. */
import * as vanillanet from 'vanillanet';
import { answersOf } from './pageAnswers.mjs';

globalThis.answers = (source) => answersOf(vanillanet, source);

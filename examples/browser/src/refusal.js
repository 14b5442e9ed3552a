/** What cannot be done, in words for whoever tried. */
export class Refusal extends Error {}

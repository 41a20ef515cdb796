/**
 * Texts that this repository quotes from elsewhere, such as the words of dtm's wire and names of
 * fields, by the beginning of the paths in which they are quoted.
 */
export const QUOTATIONS: readonly (readonly [place: string, quoted: RegExp])[] = [
  // The code of an error of the coordinator, in texts that list codes.
  ['packages/protocol/', /'refused'/g],
  // The Lua function of a Redis barrier's checks and scripts.
  ['packages/client/src/', /\brefuse\('/g],
];

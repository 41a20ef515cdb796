/**
 * Texts that this repository quotes from elsewhere, such as the words of dtm's wire and names of
 * fields, by the beginning of the paths in which they are quoted.
 */
export const QUOTATIONS: readonly (readonly [place: string, quoted: RegExp])[] = [
  // The code of an error of the coordinator, in texts that list codes.
  ['packages/protocol/', /'refused'/g],
  // The Lua function of a Redis barrier's checks and scripts.
  ['packages/client/src/', /\brefuse\('/g],
  // The text of ECONNREFUSED.
  ['tests/model-checker/src/store-port.ts', /'connection refused'/g],
  ['tests/simulator/src/parts/', /'connection refused'/g],
  // The first word of an error of a Redis cluster.
  ['packages/store-redis/src/connection.ts', /\bASK\b/g],
  // The name of an account.
  ['testing/src/servers/account.ts', /\bnobody\b/g],
  ['tests/packing/src/uses.ts', /'nobody'|\bnobody(?=@)/g],
  // A patch of the client's code.
  ['tests/crash/src/chaos/broken-sdks.ts', /(?:return|===) 'refused'/g],
  // That function's definition, and the word by which a script reports its call.
  ['packages/client/src/barrier/redis-lua.ts', /\brefuse\(reason\)|, refuse\)|'refused ?'|\.refused\b|\{ refused =/g],
];

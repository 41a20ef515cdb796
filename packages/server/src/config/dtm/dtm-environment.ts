import { nearest } from '@holdfast/protocol';
import { isServiceLink } from '../environment.ts';
import { DTM_KEYS, dtmVariableOf } from './dtm-keys.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Prefixes that only dtm's variables are likely to have; others belong to other programs. */
const PREFIXES = ['STORE_', 'MICRO_SERVICE_', 'HTTP_MICRO_SERVICE_'];

/** The settings that dtm takes from the environment, by path; an empty one counts as absent. */
export const readDtmEnvironment = (env: Environment): ReadonlyMap<string, string> =>
  new Map(
    DTM_KEYS.flatMap(({ path }): [string, string][] => {
      const variable = dtmVariableOf(path);
      const value = env[variable] ?? '';
      return value === '' || isServiceLink(variable, value) ? [] : [[path, value]];
    }),
  );

/** Warnings about variables that look like dtm's and are not. */
export function unknownDtmVariables(env: Environment): readonly string[] {
  const known = DTM_KEYS.map(({ path }) => dtmVariableOf(path));
  return Object.entries(env).flatMap(([name, value = '']) => {
    const isForeign = !PREFIXES.some((prefix) => name.startsWith(prefix)) || isServiceLink(name, value);
    if (isForeign || known.includes(name)) return [];
    const meant = nearest(name, known);
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    return [`the environment variable ${name} is ignored: dtm has no such setting${hint}`];
  });
}

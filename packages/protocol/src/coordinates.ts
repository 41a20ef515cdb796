/**
 * The query parameters that the coordinator adds to the URL of each call: they identify the call
 * and are the key of the barrier's rows. They are reserved, since parameters of the same name in a
 * branch's URL would replace them. Some frameworks read names case-insensitively.
 */
export const COORDINATES = ['gid', 'trans_type', 'branch_id', 'op'] as const;
export type Coordinate = (typeof COORDINATES)[number];

const coordinateOf = (name: string): Coordinate | undefined => {
  const lower = name.toLowerCase();
  return COORDINATES.find((one) => one === lower);
};

/** The query of a URL, without the question mark and the fragment. */
const queryOf = (url: string): string => {
  const [beforeFragment = ''] = url.split('#', 1);
  const start = beforeFragment.indexOf('?');
  return start < 0 ? '' : beforeFragment.slice(start + 1);
};

/** The reserved parameters that a URL contains, in any spelling (`%67id`), with their values. */
export function coordinatesIn(url: string): readonly (readonly [name: Coordinate, value: string])[] {
  const query = queryOf(url);
  if (query === '') return [];
  return [...new URLSearchParams(query)].flatMap(([name, value]) => {
    const coordinate = coordinateOf(name);
    return coordinate === undefined ? [] : [[coordinate, value] as const];
  });
}

/** The URL without the reserved parameters; the rest keeps its spelling. */
export function withoutCoordinates(url: string): string {
  const query = queryOf(url);
  if (coordinatesIn(url).length === 0) return url;
  const start = url.indexOf('?');
  const kept = query.split('&').filter((part) => {
    const [name = ''] = new URLSearchParams(part).keys();
    return coordinateOf(name) === undefined;
  });
  return url.slice(0, start) + (kept.length === 0 ? '' : `?${kept.join('&')}`) + url.slice(start + 1 + query.length);
}

/**
 * Header of a call whose URL already contains reserved parameters. Only transactions accepted by an
 * earlier version have such URLs. The coordinator appends its parameters to the URL's; the header
 * states which of several values identify the call:
 * - `first`: those in the URL. Earlier participants read these, and their barrier rows have them as
 *   the key: a repeated action or a compensation finds the row of the action only under the same
 *   key.
 * - `last`: those of the coordinator. The op that the call refers to (a try, a local transaction, a
 *   workflow) was never called with the values in the URL.
 */
export const URL_COORDINATES_HEADER = 'holdfast-url-coordinates';
export type UrlCoordinates = 'first' | 'last';

/**
 * The query parameters that the coordinator adds to the URL of each call: they identify the call, and the barrier's rows are named by them. A branch's URL
 * that has one of them would speak in their stead, so they are the coordinator's own. Some frameworks read names in any case.
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

/** The coordinator's own parameters that a URL has, however they are spelled (`%67id`), with their values. */
export function coordinatesIn(url: string): readonly (readonly [name: Coordinate, value: string])[] {
  const query = queryOf(url);
  if (query === '') return [];
  return [...new URLSearchParams(query)].flatMap(([name, value]) => {
    const coordinate = coordinateOf(name);
    return coordinate === undefined ? [] : [[coordinate, value] as const];
  });
}

/** The URL without the coordinator's own parameters; everything else of it stays as it is spelled. */
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
 * Header of a call whose URL has some of these parameters itself. Only transactions that an earlier
 * version accepted have such URLs. The coordinator's parameters stand behind the URL's own; the
 * header's value states which of several values identify the call:
 *
 * - `first`: those of the URL. Earlier participants read these, so the rows of their barriers bear
 *   them: a repeated action or a compensation finds the row of the action only under the same name.
 * - `last`: those of the coordinator. What the call refers to (a try, a local transaction, a
 *   workflow) was never called with the URL's own.
 */
export const URL_COORDINATES_HEADER = 'holdfast-url-coordinates';
export type UrlCoordinates = 'first' | 'last';

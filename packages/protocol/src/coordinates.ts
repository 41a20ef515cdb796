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

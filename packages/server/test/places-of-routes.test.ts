import { OPERATION_NAMES, operationOf } from '@holdfast/protocol';
import type { Invoke } from '@holdfast/api';
import { describe, expect, it } from 'vitest';
import type { Route } from '../src/http/router.ts';
import { v1Routes } from '../src/http/v1-routes.ts';

const invoke: Invoke = () => Promise.resolve({});
const routes = v1Routes({ invokeOf: () => invoke });
const longQueries = OPERATION_NAMES.map((name, index) => ({
  operation: operationOf(name),
  route: routes[index],
})).filter(
  (one): one is { readonly operation: typeof one.operation; readonly route: Route } =>
    one.route !== undefined && one.operation.kind === 'query' && one.operation.mayBeLong === true,
);
const takesPlace = (route: Route, query: string): boolean => route.takesPlace?.(new URLSearchParams(query)) === true;

describe('a GET whose response may be long takes a place', () => {
  const waiting = longQueries.filter(({ operation }) => operation.waits === true);
  const others = longQueries.filter(({ operation }) => operation.waits !== true);

  it('both if it can wait for a transaction to finish and if it cannot', () => {
    expect(waiting).not.toEqual([]);
    expect(others).not.toEqual([]);
  });

  it.each(others)('$operation.path, which does not wait, also with waitMs in its query', ({ route }) => {
    for (const query of ['', 'waitMs=1', 'waitMs=60000', 'waitMs=x']) expect(takesPlace(route, query)).toBe(true);
  });

  it.each(waiting)('$operation.path, except while it waits', ({ route }) => {
    for (const query of ['', 'waitMs=0', 'waitMs=00']) expect(takesPlace(route, query)).toBe(true);
    for (const query of ['waitMs=1', 'waitMs=60000']) expect(takesPlace(route, query)).toBe(false);
  });
});

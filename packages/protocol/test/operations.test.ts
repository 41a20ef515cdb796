import { describe, expect, it } from 'vitest';
import { httpRequestsOf, OPERATION_NAMES, operationOf, pathFieldsOf, queryFieldsOf, ROLES } from '../src/index.ts';

const operations = OPERATION_NAMES.map((name) => ({ name, ...operationOf(name) }));

describe('the list of operations', () => {
  it('has one operation for each method on each path', () => {
    const routes = operations.map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, ':')}`);
    expect(new Set(routes).size).toBe(routes.length);
  });

  it.each(operations)('$name is a GET if and only if it changes nothing', ({ kind, method }) => {
    expect(method === 'GET').toBe(kind === 'query');
  });

  it('has bodies only with POST and PUT: proxies drop those of other methods', () => {
    const methods = operations.flatMap(({ method, body }) => (body === undefined ? [] : [method]));
    expect(new Set(methods)).toEqual(new Set(['POST', 'PUT']));
  });

  it.each(operations)('$name needs a role that fits its kind, and operator actions are audited', (operation) => {
    const { kind, role, audited } = operation;
    const least = { query: 'viewer', command: 'submitter', operator: 'operator' } as const;
    expect(ROLES.indexOf(role)).toBeGreaterThanOrEqual(ROLES.indexOf(least[kind]));
    if (kind === 'operator') expect(audited).toBe(true);
  });

  it.each(operations)(
    '$name has a query whose parameters are readable from texts, and a summary of one line',
    (each) => {
      expect(() => queryFieldsOf(each)).not.toThrow();
      expect(each.summary).toMatch(/^[A-Z].*\.$/);
    },
  );

  it('lets the code that runs a transaction abort it, and only operators abort those of others', () => {
    const { roleOf } = operationOf('abortTransaction');
    expect(roleOf?.({ body: { by: 'initiator' } })).toBe('submitter');
    for (const body of [undefined, {}, { by: 'operator' }, { by: 'initiator', unknown: 1 }])
      expect(roleOf?.({ body })).toBe('operator');
  });
});

describe('the REST form of a call', () => {
  it('has the fields of the path percent-encoded, the query and the body', () => {
    const submit = httpRequestsOf('submitTransaction');
    expect(submit({ gid: 'a/b $& ü', body: { branches: ['01'] } })).toEqual({
      method: 'POST',
      path: '/transactions/a%2Fb%20%24%26%20%C3%BC/submit',
      query: {},
      body: { branches: ['01'] },
    });
    const remove = httpRequestsOf('unsubscribe');
    expect(remove({ topic: 'paid', query: { url: 'http://mail/' } })).toMatchObject({
      method: 'DELETE',
      path: '/topics/paid/subscribers',
      query: { url: 'http://mail/' },
      body: undefined,
    });
  });

  it('names the fields of a path in order', () => {
    expect(pathFieldsOf(operationOf('registerBranch'))).toEqual(['gid']);
    expect(pathFieldsOf(operationOf('listNodes'))).toEqual([]);
  });
});

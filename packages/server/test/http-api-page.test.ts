import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { OPERATION_NAMES, operationOf } from '@holdfast/protocol';

const PAGE = readFileSync(new URL('../../../docs/http-api.md', import.meta.url), 'utf8');

/** Method and path of each row of the table of `/api/v1`, with the fields of the path as `:`. */
function documented(): readonly string[] {
  const section = PAGE.slice(PAGE.indexOf('## `/api/v1`'), PAGE.indexOf('## Health'));
  return [...section.matchAll(/^\| `([A-Z]+) (\/[^`?]*)[^`]*` /gm)].map(
    ([, method = '', path = '']) => `${method} ${path.replaceAll(/GID|TOPIC|ID/g, ':')}`,
  );
}

it('the page of the HTTP API lists each operation of /api/v1 once, and no other', () => {
  const operations = OPERATION_NAMES.map((name) => {
    const { method, path } = operationOf(name);
    return `${method} ${path.replaceAll(/:\w+/g, ':')}`;
  });
  expect(documented().toSorted()).toEqual(operations.toSorted());
});

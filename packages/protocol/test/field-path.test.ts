import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ERROR_CODES,
  type FieldPath,
  HoldfastError,
  renameField,
  renderError,
  renderField,
  shown,
} from '../src/index.ts';

const NAMES = {
  'steps[].payload': 'payloads[]',
  'steps[].after': 'custom_data.orders',
  workflow: 'custom_data',
  retryLimit: 'retry_limit',
};

describe('the path of a field', () => {
  it.each<[path: FieldPath, own: string, named: string]>([
    [['steps', 2, 'payload'], 'steps[2].payload', 'payloads[2]'],
    [['steps', 2, 'payload', 'amount', 0], 'steps[2].payload.amount[0]', 'payloads[2].amount[0]'],
    [['steps', 12, 'after', 3], 'steps[12].after[3]', 'custom_data.orders[3]'],
    [['steps', 1, 'action'], 'steps[1].action', 'steps[1].action'],
    [['workflow', 'name'], 'workflow.name', 'custom_data.name'],
    [['retryLimit'], 'retryLimit', 'retry_limit'],
    [['branchHeaders', 'x-tenant'], 'branchHeaders["x-tenant"]', 'branchHeaders["x-tenant"]'],
    [['branchHeaders', 'tenant'], 'branchHeaders.tenant', 'branchHeaders.tenant'],
    [['branchHeaders', 'a b'], 'branchHeaders["a b"]', 'branchHeaders["a b"]'],
    [['branchHeaders', ''], 'branchHeaders[""]', 'branchHeaders[""]'],
    [['constructor'], 'constructor', 'constructor'],
    [[], '', ''],
  ])('%j is rendered in the names of a transport', (path, own, named) => {
    expect(renderField(path)).toBe(own);
    expect(renderField(path, NAMES)).toBe(named);
  });

  it.each([
    ['steps[2].payload.amount[0]', 'payloads[2].amount[0]'],
    ['steps[1].action', 'steps[1].action'],
    ['workflow.name', 'custom_data.name'],
    ['branchHeaders["x-tenant"]', 'branchHeaders["x-tenant"]'],
    ['constructor', 'constructor'],
    ['not a path', 'not a path'],
    ['steps[', 'steps['],
    ['', ''],
  ])('%s is renamed as a text to %s', (rendered, renamed) => {
    expect(renameField(rendered, NAMES)).toBe(renamed);
  });

  it('is the same whether the path is rendered with names, or renamed after it was rendered', () => {
    const name = fc.constantFrom('steps', 'payload', 'after', 'workflow', 'name', 'retryLimit', 'x-y', 'a"b', '');
    fc.assert(
      fc.property(fc.array(fc.oneof(name, fc.nat(20)), { maxLength: 5 }), (path) => {
        expect(renameField(renderField(path), NAMES)).toBe(renderField(path, NAMES));
      }),
    );
  });

  it('is one bounded line, whatever a caller has for names', () => {
    const path = fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.nat()), { maxLength: 5 });
    fc.assert(
      fc.property(path, (parts) => {
        const field = renderField(parts, NAMES);
        // oxlint-disable-next-line no-control-regex -- matches control characters on purpose
        expect(field).not.toMatch(/[\u0000-\u001f]/);
        expect(field.isWellFormed()).toBe(true);
        expect(field.length).toBeLessThan(500 * (parts.length + 1));
      }),
    );
  });
});

it.each([
  ['plain', '"plain"'],
  ['a\n"b"', String.raw`"a\n\"b\""`],
  ['x'.repeat(65), `"${'x'.repeat(64)}…"`],
])('a value in an error message is quoted, escaped and cut: %j', (value, text) => {
  expect(shown(value)).toBe(text);
});

describe('an error in the words of a transport', () => {
  it('has the name of the field in front, and its code, gid and status as data', () => {
    const error = new HoldfastError('refused', 'must not change', {
      gid: 'g',
      field: ['steps', 0, 'payload'],
      status: 'aborting',
    });
    expect(renderError(error, NAMES)).toEqual({
      code: 'refused',
      message: 'payloads[0]: must not change',
      fault: 'must not change',
      field: 'payloads[0]',
      gid: 'g',
      status: 'aborting',
    });
  });

  it('is defined for every code, and shows the text of every error but an internal one', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ERROR_CODES), fc.string({ minLength: 30 }), (code, text) => {
        const { message } = renderError(new HoldfastError(code, text));
        if (code === 'internal') expect(message).toBe('internal error; the log of the coordinator has the details');
        else expect(message).toBe(text);
      }),
    );
  });
});

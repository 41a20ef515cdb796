import { openApiDocument, OPERATION_NAMES, operationOf, type OperationName } from '@holdfast/protocol';
import { describe, expect, it } from 'vitest';
import { rejectionOf, SDK_FIELDS, type SdkFields } from '../src/api/index.ts';

interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
  readonly schema?: Schema;
}

/** Operations that the SDK does not call. */
const UNCALLED = [
  ...['stopTransaction', 'describeTopic', 'listNodes', 'getStatus'],
  ...['createToken', 'listTokens', 'rotateToken', 'revokeToken', 'listAudit'],
];

const CALLED = Object.entries(SDK_FIELDS).flatMap(([operation, byPattern]) =>
  Object.entries<SdkFields>(byPattern).map(([pattern, fields]) => ({
    operation: operation as keyof typeof SDK_FIELDS,
    pattern,
    fields,
  })),
);

describe('the names of the SDK for the fields of a request', () => {
  it.each(CALLED)('are complete: $operation $pattern', ({ operation, pattern, fields }) => {
    expect(Object.keys(fields).toSorted()).toEqual(fieldsOf(operation, pattern).toSorted());
  });

  it('exist for every operation that the SDK calls', () => {
    expect([...Object.keys(SDK_FIELDS), ...UNCALLED].toSorted()).toEqual([...OPERATION_NAMES].toSorted());
  });

  it.each(
    CALLED.flatMap(({ operation, pattern, fields }) =>
      Object.entries(fields).map(([field, name]) => ({ operation, pattern, field, name })),
    ),
  )('are those of the error: $operation $pattern, $field is $name', ({ operation, pattern, field, name }) => {
    const at = (shape: string): string => shape.replaceAll('[]', '[3]');
    const details = { message: `${at(field)}: is odd`, fault: 'is odd', field: at(field), gid: 'g', status: undefined };
    const error = rejectionOf({ operation, input: { body: { pattern } } }, 'invalid', details);
    const expected = at(name === 'same' || name === 'own' ? field : name);
    expect([error.field, error.message, error.gid]).toEqual([expected, `${expected}: is odd`, 'g']);
  });

  it('are in the field alone if a coordinator of an earlier version sends the text as a whole', () => {
    const details = { message: 'url: is odd', fault: undefined, field: 'url', gid: undefined, status: undefined };
    const error = rejectionOf({ operation: 'subscribe', input: { topic: 't' } }, 'invalid', details);
    expect([error.field, error.message]).toEqual(['branch', 'url: is odd']);
  });
});

/** The fields of the path, the query and the body, as the operation's schemas describe them. */
function fieldsOf(name: OperationName, pattern: string): string[] {
  const { path, method } = operationOf(name);
  const described = openApiDocument('1').paths[`/api/v1${path.replaceAll(/:(\w+)/g, '{$1}')}`]?.[method.toLowerCase()];
  const { parameters, requestBody } = described as {
    readonly parameters: readonly { readonly name?: string }[];
    readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  };
  const body = requestBody?.content['application/json']?.schema ?? {};
  // The time to wait is not a field of the operation.
  const ofUrl = parameters.flatMap((parameter) => parameter.name ?? []).filter((field) => field !== 'waitMs');
  const variant = body.oneOf?.find(({ properties }) => properties?.['pattern']?.const === pattern) ?? body;
  return [...ofUrl, ...below(variant, '')];
}

const below = ({ properties = {}, items }: Schema, path: string): string[] => [
  ...Object.entries(properties).flatMap(([name, schema]) => {
    const here = path === '' ? name : `${path}.${name}`;
    return [here, ...below(schema, here)];
  }),
  ...(items === undefined ? [] : below(items, `${path}[]`)),
];

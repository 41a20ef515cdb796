import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { API_ROOT, openApiDocument, OPERATION_NAMES, operationOf } from '../src/index.ts';

const document = openApiDocument('0.1.0');

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    const copy = JSON.parse(JSON.stringify(document)) as Record<string, unknown>;
    expect(await validator.validate(copy)).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    // A validator that accepts everything proves nothing.
    const { info: _info, ...broken } = JSON.parse(JSON.stringify(document)) as Record<string, unknown>;
    expect((await new Validator().validate(broken)).valid).toBe(false);
  });

  it('has each operation under its method and path, and nothing else', () => {
    const found = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, each]) => `${String(each['operationId'])} ${method} ${path}`),
    );
    const expected = OPERATION_NAMES.map((name) => {
      const { method, path } = operationOf(name);
      return `${name} ${method.toLowerCase()} ${API_ROOT}${path.replaceAll(/:(\w+)/g, '{$1}')}`;
    });
    expect(found.toSorted()).toEqual(expected.toSorted());
  });

  it('describes the parameters, the bodies and the results', () => {
    const list = document.paths['/api/v1/transactions']?.['get'];
    expect(list?.['parameters']).toContainEqual({
      name: 'status',
      in: 'query',
      required: false,
      schema: { type: 'string', enum: ['prepared', 'submitted', 'aborting', 'succeed', 'failed'] },
    });
    const abort = document.paths['/api/v1/transactions/{gid}/abort']?.['post'];
    expect(abort?.['requestBody']).toMatchObject({ required: false });
    expect(JSON.stringify(abort?.['responses'])).toContain('remainingEffects');
    expect(document.paths['/api/v1/topics/{topic}']?.['delete']?.['responses']).toHaveProperty('204');
  });

  it('allows fields of later versions in responses, and no unknown fields in requests', () => {
    const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
    const responses = operations.map((each) => each['responses']);
    const requests = operations.map((each) => each['requestBody']);
    const closed = '"additionalProperties":false';
    expect(JSON.stringify([responses, document['components']])).not.toContain(closed);
    expect(JSON.stringify(requests)).toContain(closed);
  });

  it('describes the header field Request-Timeout-Ms of each operation', () => {
    const parameters = Object.values(document.paths).flatMap((methods) =>
      Object.values(methods).map((each) => each['parameters']),
    );
    for (const each of parameters) expect(each).toContainEqual({ $ref: '#/components/parameters/RequestTimeoutMs' });
    expect(document['components']).toMatchObject({
      parameters: { RequestTimeoutMs: { name: 'Request-Timeout-Ms', in: 'header', required: false } },
    });
  });

  it('is published as the file openapi.json of this package', async () => {
    await expect(`${JSON.stringify(document, undefined, 2)}\n`).toMatchFileSnapshot('../openapi.json');
  });
});

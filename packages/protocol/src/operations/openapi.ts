import { z } from 'zod';
import { problemDetails } from '../api-v1.ts';
import { API_ROOT } from './http-request.ts';
import { type Operation, pathFieldsOf, queryFieldsOf } from './operation.ts';
import { OPERATION_NAMES, operationOf, type OperationName } from './operations.ts';

type Json = Readonly<Record<string, unknown>>;

/** An OpenAPI 3.1 document of `/api/v1`. */
export interface OpenApiDocument extends Json {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
}

const PROBLEM = '#/components/schemas/Problem';

/** Creates the OpenAPI document of all operations. */
export function openApiDocument(version: string): OpenApiDocument {
  const paths: Record<string, Record<string, Json>> = {};
  for (const name of OPERATION_NAMES) {
    const operation = operationOf(name);
    const path = API_ROOT + operation.path.replaceAll(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[operation.method.toLowerCase()] = described(name, operation);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version,
      description: 'The API of a Holdfast coordinator. Times are milliseconds, errors are problem details (RFC 9457).',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Problem: schemaOf(problemDetails, 'output') },
      parameters: { RequestTimeoutMs: REQUEST_TIMEOUT },
    },
  };
}

function described(name: OperationName, operation: Operation): Json {
  const { summary, kind, role, audited, body, bodyIsOptional } = operation;
  return {
    operationId: name,
    summary,
    tags: [kind],
    'x-role': role,
    'x-audited': audited,
    parameters: parametersOf(operation),
    ...(body !== undefined && {
      requestBody: { required: bodyIsOptional !== true, content: jsonOf(schemaOf(body, 'input')) },
    }),
    responses: {
      ...successOf(operation),
      default: {
        description: 'The request was rejected or could not be carried out.',
        content: { 'application/problem+json': { schema: { $ref: PROBLEM } } },
      },
    },
  };
}

function successOf({ result }: Operation): Json {
  if (result === undefined) return { 204: { description: 'Done.' } };
  return { 200: { description: 'Done.', content: jsonOf(schemaOf(result, 'output')) } };
}

function parametersOf(operation: Operation): readonly Json[] {
  const shape = operation.query?.shape ?? {};
  const text = { type: 'string' };
  return [
    ...pathFieldsOf(operation).map((name) => ({ name, in: 'path', required: true, schema: text })),
    ...queryFieldsOf(operation).map(({ name, isRequired }) => ({
      name,
      in: 'query',
      required: isRequired,
      schema: schemaOf(shape[name] as z.ZodType, 'input'),
    })),
    ...(operation.waits === true ? [WAIT] : []),
    { $ref: '#/components/parameters/RequestTimeoutMs' },
  ];
}

const REQUEST_TIMEOUT: Json = {
  name: 'Request-Timeout-Ms',
  in: 'header',
  required: false,
  description:
    'How long the client waits for the response. Then the response is deadline_exceeded, whose outcome states whether a change was started.',
  schema: { type: 'integer', minimum: 0, maximum: 999_999_999 },
};

const WAIT: Json = {
  name: 'waitMs',
  in: 'query',
  required: false,
  description: 'Respond when the transaction is finished, or after this time with its current state.',
  schema: { type: 'integer', minimum: 0 },
};

const jsonOf = (schema: Json): Json => ({ 'application/json': { schema } });

/** The JSON Schema of a request as it is sent, or of a response as it is received. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // A later coordinator may add fields to a response, so clients must accept unknown ones.
      if (io === 'output' && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  });
  return rest;
}

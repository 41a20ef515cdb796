import { pathFieldsOf } from './operation.ts';
import { operationOf, type OperationName, type InputOf } from './operations.ts';

/** The root of the paths of all operations. */
export const API_ROOT = '/api/v1';

/** The values of a URL's query. */
export type QueryValues = Readonly<Record<string, string | number | boolean | undefined>>;

type AnyInput = Readonly<Record<string, unknown>> & { readonly query?: QueryValues };

/** The REST form of a call. */
export interface OperationRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below the API's root, such as `/transactions`. */
  readonly path: string;
  readonly query: QueryValues;
  /** Undefined: no body. */
  readonly body: unknown;
}

/** Returns the function that renders the calls of an operation as REST. */
export function httpRequestsOf<Name extends OperationName>(name: Name): (input: InputOf<Name>) => OperationRequest {
  const operation = operationOf(name);
  const { method } = operation;
  const fields = pathFieldsOf(operation);
  return (input) => {
    const values = input as AnyInput;
    let path: string = operation.path;
    for (const field of fields) path = path.replace(`:${field}`, () => encodeURIComponent(String(values[field])));
    return { method, path, query: values.query ?? {}, body: values['body'] };
  };
}

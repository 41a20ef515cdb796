import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

/** A method of a published service. Its messages have the names of their files. */
export type PublishedMethod = grpc.MethodDefinition<object, object>;

/** The methods of dtm's service, by name. */
export const DTM_METHODS = serviceOf('dtmgimp.proto', 'dtmgimp.Dtm');

const execute = methodOf(serviceOf('workflow.proto', 'workflow.Workflow'), 'Execute');

/** The method that continues a workflow. */
export const WORKFLOW_EXECUTE = {
  path: execute.path,
  /** The input of the workflow in a request. */
  inputOf(message: Buffer): string {
    const { Data } = execute.requestDeserialize(message) as { readonly Data: Buffer };
    return Data.toString();
  },
} as const;

/** The method with this name. Throws if the service has none. */
export function methodOf(methods: Readonly<Record<string, PublishedMethod>>, name: string): PublishedMethod {
  const found = methods[name];
  if (found === undefined) throw new Error(`the published service has no method ${name}`);
  return found;
}

function serviceOf(file: string, name: string): Readonly<Record<string, PublishedMethod>> {
  const path = fileURLToPath(new URL(`../../../packages/protocol/proto/${file}`, import.meta.url));
  const loaded = loadSync(path, { keepCase: true, defaults: true, longs: Number });
  return loaded[name] as Record<string, PublishedMethod>;
}

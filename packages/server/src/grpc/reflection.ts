import { GRPC_STATUS, REFLECTION_REQUEST, REFLECTION_RESPONSE, REFLECTION_SERVICES } from '@holdfast/protocol/grpc';
import {
  describeFile,
  encodeMessage,
  type MessageInput,
  type MessageOf,
  type ProtoFile,
} from '@holdfast/protocol/protobuf';
import { decodeRequest } from './decode-request.ts';
import type { GrpcMethod } from './grpc-method.ts';

type Request = MessageOf<typeof REFLECTION_REQUEST>;
type Response = MessageInput<typeof REFLECTION_RESPONSE>;

/** Server reflection, in both versions: clients learn the services from the server. */
export function reflectionMethods(files: readonly ProtoFile[]): readonly GrpcMethod[] {
  const reflection = new Reflection(files);
  return REFLECTION_SERVICES.map((service) => ({
    kind: 'stream',
    path: `/${service}/ServerReflectionInfo`,
    run: async ({ requests, send }) => {
      for await (const bytes of requests) await send(reflection.responseTo(bytes));
    },
  }));
}

/** The full names of the services in files. */
export const servicesIn = (files: readonly ProtoFile[]): readonly string[] =>
  files.flatMap((file) => file.services.map(({ name }) => `${file.package}.${name}`));

class Reflection {
  readonly #services: readonly string[];
  readonly #files: ReadonlyMap<string, ProtoFile>;
  /** The file of each message, service and method, by full name. */
  readonly #symbols: ReadonlyMap<string, ProtoFile>;

  constructor(files: readonly ProtoFile[]) {
    this.#services = servicesIn(files);
    this.#files = new Map(files.map((file) => [file.name, file]));
    this.#symbols = new Map(files.flatMap((file) => symbolsIn(file).map((symbol) => [symbol, file] as const)));
  }

  responseTo(bytes: Uint8Array): Uint8Array {
    const request = decodeRequest(REFLECTION_REQUEST, bytes);
    return encodeMessage(REFLECTION_RESPONSE, {
      valid_host: request.host,
      original_request: request,
      ...this.#find(request),
    });
  }

  #find(request: Request): Response {
    if (request.file_by_filename !== '') return this.#described(this.#files.get(request.file_by_filename));
    if (request.file_containing_symbol !== '')
      return this.#described(this.#symbols.get(request.file_containing_symbol));
    if (request.file_containing_extension !== undefined || request.all_extension_numbers_of_type !== '')
      return NOT_FOUND;
    return { list_services_response: { service: this.#services.map((name) => ({ name })) } };
  }

  /** A file with all files that it imports, so that one request suffices. */
  #described(file: ProtoFile | undefined): Response {
    if (file === undefined) return NOT_FOUND;
    const imported = file.imports.flatMap((name) => this.#files.get(name) ?? []);
    return { file_descriptor_response: { file_descriptor_proto: [file, ...imported].map(describeFile) } };
  }
}

const NOT_FOUND: Response = {
  error_response: { error_code: GRPC_STATUS.notFound, error_message: 'there is no such file or symbol' },
};

const symbolsIn = (file: ProtoFile): readonly string[] => [
  ...file.messages.map(({ name }) => `${file.package}.${name}`),
  ...file.services.flatMap(({ name, methods }) => [
    `${file.package}.${name}`,
    ...methods.map((method) => `${file.package}.${name}.${method.name}`),
  ]),
];

import type { ProtoFile, ProtoMessage } from '../protobuf/schema.ts';

/** The services that gRPC itself defines: health checks and server reflection. */

export const HEALTH_CHECK_REQUEST = {
  name: 'HealthCheckRequest',
  fields: { service: { number: 1, type: 'string' } },
} as const satisfies ProtoMessage;

export const HEALTH_CHECK_RESPONSE = {
  name: 'HealthCheckResponse',
  fields: { status: { number: 1, type: 'int32' } },
} as const satisfies ProtoMessage;

/** `HealthCheckResponse.ServingStatus`. */
export const SERVING = 1;
export const NOT_SERVING = 2;
export const SERVICE_UNKNOWN = 3;

export const HEALTH_SERVICE = 'grpc.health.v1.Health';

const EXTENSION_REQUEST = {
  name: 'ExtensionRequest',
  fields: { containing_type: { number: 1, type: 'string' }, extension_number: { number: 2, type: 'int32' } },
} as const satisfies ProtoMessage;

/** At most one of the fields from 3 on is set. An absent text is the same as an empty one. */
export const REFLECTION_REQUEST = {
  name: 'ServerReflectionRequest',
  fields: {
    host: { number: 1, type: 'string' },
    file_by_filename: { number: 3, type: 'string' },
    file_containing_symbol: { number: 4, type: 'string' },
    file_containing_extension: { number: 5, type: 'message', of: EXTENSION_REQUEST },
    all_extension_numbers_of_type: { number: 6, type: 'string' },
    list_services: { number: 7, type: 'string' },
  },
} as const satisfies ProtoMessage;

const FILE_DESCRIPTOR_RESPONSE = {
  name: 'FileDescriptorResponse',
  fields: { file_descriptor_proto: { number: 1, type: 'repeated', of: 'bytes', most: 100 } },
} as const satisfies ProtoMessage;

const SERVICE_RESPONSE = {
  name: 'ServiceResponse',
  fields: { name: { number: 1, type: 'string' } },
} as const satisfies ProtoMessage;

const LIST_SERVICE_RESPONSE = {
  name: 'ListServiceResponse',
  fields: { service: { number: 1, type: 'repeated', of: SERVICE_RESPONSE, most: 100 } },
} as const satisfies ProtoMessage;

const ERROR_RESPONSE = {
  name: 'ErrorResponse',
  fields: { error_code: { number: 1, type: 'int32' }, error_message: { number: 2, type: 'string' } },
} as const satisfies ProtoMessage;

export const REFLECTION_RESPONSE = {
  name: 'ServerReflectionResponse',
  fields: {
    valid_host: { number: 1, type: 'string' },
    original_request: { number: 2, type: 'message', of: REFLECTION_REQUEST },
    file_descriptor_response: { number: 4, type: 'message', of: FILE_DESCRIPTOR_RESPONSE },
    list_services_response: { number: 6, type: 'message', of: LIST_SERVICE_RESPONSE },
    error_response: { number: 7, type: 'message', of: ERROR_RESPONSE },
  },
} as const satisfies ProtoMessage;

/** Both versions have the same messages. */
export const REFLECTION_SERVICES = [
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
] as const;

export const HEALTH_PROTO = {
  name: 'grpc/health/v1/health.proto',
  package: 'grpc.health.v1',
  imports: [],
  messages: [HEALTH_CHECK_REQUEST, HEALTH_CHECK_RESPONSE],
  services: [
    {
      name: 'Health',
      methods: [
        { name: 'Check', input: 'grpc.health.v1.HealthCheckRequest', output: 'grpc.health.v1.HealthCheckResponse' },
        {
          name: 'Watch',
          input: 'grpc.health.v1.HealthCheckRequest',
          output: 'grpc.health.v1.HealthCheckResponse',
          streamsResponses: true,
        },
      ],
    },
  ],
} as const satisfies ProtoFile;

const reflectionProto = (version: 'v1' | 'v1alpha'): ProtoFile => {
  const reflection = `grpc.reflection.${version}`;
  return {
    name: `grpc/reflection/${version}/reflection.proto`,
    package: reflection,
    imports: [],
    messages: [
      REFLECTION_REQUEST,
      EXTENSION_REQUEST,
      REFLECTION_RESPONSE,
      FILE_DESCRIPTOR_RESPONSE,
      LIST_SERVICE_RESPONSE,
      SERVICE_RESPONSE,
      ERROR_RESPONSE,
    ],
    services: [
      {
        name: 'ServerReflection',
        methods: [
          {
            name: 'ServerReflectionInfo',
            input: `${reflection}.ServerReflectionRequest`,
            output: `${reflection}.ServerReflectionResponse`,
            streamsRequests: true,
            streamsResponses: true,
          },
        ],
      },
    ],
  };
};

/** Reflection describes itself too: some tools read every service that it lists. */
export const REFLECTION_PROTOS: readonly ProtoFile[] = [reflectionProto('v1'), reflectionProto('v1alpha')];

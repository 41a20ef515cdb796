import { operationOf, OPERATION_NAMES, type OperationName } from '../../operations/operations.ts';
import { STREAM_NAMES, type StreamName, streamOf } from '../../operations/streams.ts';
import type { ProtoFile, ProtoMethod } from '../../protobuf/schema.ts';
import { FIELD_NUMBERS } from './field-numbers.ts';
import { fixedNumbers, type Numbering } from './numbering.ts';
import { OperationMessages } from './operation-messages.ts';
import { ShapeReader } from './shape-reader.ts';
import type { MessageShape } from './shape.ts';

const PACKAGE = 'holdfast.v1';
const SERVICE = 'Holdfast';

/** The service `holdfast.v1.Holdfast`: a method for each operation of `/api/v1` and each stream. */
export interface HoldfastService {
  /** As it is published, and as server reflection describes it. */
  readonly file: ProtoFile;
  readonly messages: readonly MessageShape[];
  readonly operations: Readonly<Record<OperationName, OperationMessages>>;
  /** Methods with a stream of responses, each of which is an event. */
  readonly streams: Readonly<Record<StreamName, OperationMessages>>;
}

/** Derives the service from the descriptors of the operations. */
export function createHoldfastService(numbers: Numbering): HoldfastService {
  const reader = new ShapeReader(numbers);
  const operations = Object.fromEntries(
    OPERATION_NAMES.map((name) => [name, new OperationMessages(name, operationOf(name), reader)]),
  ) as Readonly<Record<OperationName, OperationMessages>>;
  const streams = Object.fromEntries(
    STREAM_NAMES.map((name) => {
      const { input, event } = streamOf(name);
      return [name, new OperationMessages(name, { path: '/', body: input, result: event }, reader)];
    }),
  ) as Readonly<Record<StreamName, OperationMessages>>;
  const file = {
    name: 'holdfast/v1/holdfast.proto',
    package: PACKAGE,
    imports: [],
    messages: reader.messages.map(({ proto }) => proto),
    services: [
      {
        name: SERVICE,
        methods: [
          ...Object.values(operations).map(methodOf),
          ...Object.values(streams).map((messages) => ({ ...methodOf(messages), streamsResponses: true as const })),
        ],
      },
    ],
  };
  return { file, messages: reader.messages, operations, streams };
}

const methodOf = ({ method, request, response }: OperationMessages): ProtoMethod => ({
  name: method,
  input: `${PACKAGE}.${request.proto.name}`,
  output: `${PACKAGE}.${response.proto.name}`,
});

let service: HoldfastService | undefined;

/** The service with the published numbers. Derived on first use, which takes some milliseconds. */
export const holdfastService = (): HoldfastService => (service ??= createHoldfastService(fixedNumbers(FIELD_NUMBERS)));

/** The path of the method of an operation: `/holdfast.v1.Holdfast/CreateTransaction`. */
export const holdfastPath = ({ method }: Pick<OperationMessages, 'method'>): string =>
  `/${PACKAGE}.${SERVICE}/${method}`;

import { operationOf, OPERATION_NAMES } from '../../operations/operations.ts';
import { STREAM_NAMES, streamOf } from '../../operations/streams.ts';
import { renderProto } from '../../protobuf/render.ts';
import type { HoldfastService } from './holdfast-service.ts';
import type { Numbers } from './numbering.ts';
import type { FieldShape } from './shape.ts';

const HEAD = [
  "Holdfast's own API over gRPC: a method for each operation of /api/v1, with the same results, and",
  'methods with a stream of responses. Generated from the operations; the numbers of fields never',
  'change.',
  '',
  'Times are milliseconds. An absent optional field is an absent or null field of /api/v1. Texts',
  'that have a fixed set of values have the values of /api/v1. Bytes that are described as a JSON',
  'text are values of the user, and are passed on unchanged.',
];

/** The text of the published `.proto` file. */
export function renderHoldfastProto(
  { file, messages, operations, streams }: HoldfastService,
  numbers: Numbers,
): string {
  const comments = new Map<string, string>();
  for (const name of OPERATION_NAMES) comments.set(operations[name].method, operationOf(name).summary);
  for (const name of STREAM_NAMES) comments.set(streams[name].method, streamOf(name).summary);
  for (const { proto, fields } of messages)
    for (const field of fields) {
      const comment = commentOf(field);
      if (comment !== undefined) comments.set(`${proto.name}.${field.protoName}`, comment);
    }
  const reserved = new Map(
    messages.map(({ proto }) => [
      proto.name,
      Object.entries(numbers[proto.name] ?? {}).filter(([field]) => proto.fields[field] === undefined),
    ]),
  );
  return renderProto(file, { head: HEAD, comments, reserved });
}

function commentOf({ name, value, isWrapped, choices }: FieldShape): string | undefined {
  if (choices.length > 0) return `${choices.length === 1 ? '' : 'One of '}${choices.join(', ')}.`;
  if (value.kind === 'json') return 'A JSON text.';
  if (isWrapped) return 'An absent list differs from an empty one.';
  if (name === 'waitMs') return 'How long to wait for the transaction to finish.';
  return undefined;
}

/** The text of `field-numbers.ts` with these numbers, to be put behind its head. */
export const renderNumbers = (numbers: Numbers): string =>
  Object.entries(numbers)
    .map(([message, fields]) => {
      const entries = Object.entries(fields).map(([field, number]) => `    ${field}: ${number},\n`);
      return entries.length === 0 ? '' : `  ${message}: {\n${entries.join('')}  },\n`;
    })
    .join('');

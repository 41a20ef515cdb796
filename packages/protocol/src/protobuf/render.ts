import type { ProtoField, ProtoFile, ProtoMessage } from './schema.ts';

/** What a `.proto` file contains besides its tables. */
export interface ProtoText {
  /** The comment at the beginning of the file, in lines. */
  readonly head: readonly string[];
  /** Comments of methods and of fields, by `Method` and `Message.field`. */
  readonly comments: ReadonlyMap<string, string>;
  /** Fields that earlier versions had, by message: their names and numbers are not used again. */
  readonly reserved: ReadonlyMap<string, readonly (readonly [name: string, number: number])[]>;
}

/** Renders a file as the text of a `.proto` file. */
export function renderProto(file: ProtoFile, text: ProtoText): string {
  const blocks = [
    text.head.map((line) => `// ${line}`.trimEnd()).join('\n'),
    'syntax = "proto3";',
    `package ${file.package};`,
    ...(file.imports.length === 0 ? [] : [file.imports.map((name) => `import "${name}";`).join('\n')]),
    ...file.services.map((service) => renderService(service, file.package, text)),
    ...file.messages.map((message) => renderMessage(message, text)),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function renderService({ name, methods }: ProtoFile['services'][number], within: string, text: ProtoText): string {
  const local = (type: string): string => (type.startsWith(`${within}.`) ? type.slice(within.length + 1) : type);
  const rendered = methods.map(({ name: method, input, output, streamsRequests, streamsResponses }) => {
    const request = (streamsRequests === true ? 'stream ' : '') + local(input);
    const response = (streamsResponses === true ? 'stream ' : '') + local(output);
    return `${commentOf(text, method)}  rpc ${method}(${request}) returns (${response});`;
  });
  return `service ${name} {\n${rendered.join('\n\n')}\n}`;
}

function renderMessage({ name, fields }: ProtoMessage, text: ProtoText): string {
  const reserved = text.reserved.get(name) ?? [];
  const lines = [
    ...(reserved.length === 0
      ? []
      : [
          `  reserved ${reserved.map(([, number]) => number).join(', ')};`,
          `  reserved ${reserved.map(([field]) => JSON.stringify(field)).join(', ')};`,
        ]),
    ...Object.entries(fields)
      .toSorted(([, a], [, b]) => a.number - b.number)
      .map(([field, type]) => `${commentOf(text, `${name}.${field}`)}  ${renderType(type)} ${field} = ${type.number};`),
  ];
  return lines.length === 0 ? `message ${name} {}` : `message ${name} {\n${lines.join('\n')}\n}`;
}

function renderType(field: ProtoField): string {
  switch (field.type) {
    case 'message':
      return field.of.name;
    case 'repeated':
      return `repeated ${typeof field.of === 'string' ? field.of : field.of.name}`;
    case 'map':
      return 'map<string, string>';
    default:
      return field.optional === true ? `optional ${field.type}` : field.type;
  }
}

function commentOf({ comments }: ProtoText, name: string): string {
  const comment = comments.get(name);
  return comment === undefined ? '' : `  // ${comment}\n`;
}

export { type DecodeOptions, decodeMessage } from './decode.ts';
export { describeFile } from './describe.ts';
export { encodeMessage } from './encode.ts';
export { type ProtoText, renderProto } from './render.ts';
export type {
  MessageInput,
  MessageOf,
  ProtoField,
  ProtoFile,
  ProtoMessage,
  ProtoMethod,
  ProtoService,
} from './schema.ts';
export { ProtobufError } from './wire-reader.ts';

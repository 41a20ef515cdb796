export { HTTP2_CODE, HTTP2_CODE_NAMES } from './constants.ts';
export { Field } from './hpack/field.ts';
export { encodeHeaders } from './hpack/header-encoder.ts';
export { Http2Error } from './http2-error.ts';
export {
  type ConnectionOwner,
  Http2Connection,
  HTTP2_LIMITS,
  type Http2Limits,
} from './connection/http2-connection.ts';
export { fieldIn } from './connection/message-rules.ts';
export { Http2Stream, type StreamReceiver, type StreamState } from './connection/stream.ts';

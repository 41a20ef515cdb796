import { HTTP2_CODE, MAX_31_BITS, MAX_FRAME_BYTES, SETTING } from '../constants.ts';
import { Http2Error } from '../http2-error.ts';

/** The bytes of one setting. */
const PAIR = 6;
const LARGEST_FRAME_SIZE = 2 ** 24 - 1;

/** The peer's settings that matter to this side. */
export interface PeerSettings {
  /** Undefined: the frame does not change it. */
  readonly maxStreams?: number;
  readonly initialWindow?: number;
}

/**
 * Reads a SETTINGS frame. Throws `Http2Error` for values that RFC 9113 (6.5.2) forbids.
 *
 * @param isServer whether the sender is a server
 */
export function readSettings(bytes: Buffer, start: number, end: number, isServer: boolean): PeerSettings {
  if ((end - start) % PAIR !== 0) throw new Http2Error(HTTP2_CODE.frameSizeError, 'SETTINGS are cut off');
  const found: { -readonly [name in keyof PeerSettings]: PeerSettings[name] } = {};
  for (let at = start; at < end; at += PAIR) {
    const value = bytes.readUInt32BE(at + 2);
    switch (bytes.readUInt16BE(at)) {
      case SETTING.enablePush:
        if (value > (isServer ? 0 : 1)) throw wrong('ENABLE_PUSH', value);
        break;
      case SETTING.maxConcurrentStreams:
        found.maxStreams = value;
        break;
      case SETTING.initialWindowSize:
        if (value > MAX_31_BITS) throw wrong('INITIAL_WINDOW_SIZE', value, HTTP2_CODE.flowControlError);
        found.initialWindow = value;
        break;
      case SETTING.maxFrameSize:
        if (value < MAX_FRAME_BYTES || value > LARGEST_FRAME_SIZE) throw wrong('MAX_FRAME_SIZE', value);
        break;
      default:
      // The size of the peer's table does not matter, as no table is used; others are unknown.
    }
  }
  return found;
}

const wrong = (name: string, value: number, code: number = HTTP2_CODE.protocolError): Http2Error =>
  new Http2Error(code, `SETTINGS_${name} must not be ${value}`);

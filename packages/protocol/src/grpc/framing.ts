/** Bytes before each message: 1 for whether it is compressed, 4 for its length (big endian). */
export const MESSAGE_HEAD = 5;

/** A message with its head, ready to be sent. */
export function framedMessage(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(MESSAGE_HEAD + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, MESSAGE_HEAD);
  return frame;
}

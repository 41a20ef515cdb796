/** Bytes before each message: 1 for whether it is compressed, 4 for its length (big endian). */
export const MESSAGE_HEAD = 5;

/** The head of a message. */
export function messageHead({ length }: Uint8Array): Buffer {
  const head = Buffer.alloc(MESSAGE_HEAD);
  head.writeUInt32BE(length, 1);
  return head;
}

/** A message with its head, ready to be sent. */
export function framedMessage(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(MESSAGE_HEAD + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, MESSAGE_HEAD);
  return frame;
}

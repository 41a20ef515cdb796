import { expect, it } from 'vitest';
import { payloadTextsInPieces, withPayloadTexts } from '../src/v1/json-bytes.ts';

const BODIES = [
  '{"payload":1.0,"steps":[{"payload":[1.50,"\\"]"]},{"a":1},7,{"payload":{"payload":2.0}}]}',
  `{"steps":[${Array.from({ length: 3_000 }, (_, index) => `{"payload":${index}.0}`).join(',')}],"gid":"g"}`,
  '{"workflow":{"name":"w","input":1e400},"steps":{"payload":1.0}}',
  '{"steps":null,"workflow":[1]}',
  '[1.0]',
  'null',
];

it.each(BODIES)('the texts of payloads are the same in pieces as at once: %#', (text) => {
  const pieces = payloadTextsInPieces(JSON.parse(text), text);
  let next = pieces.next();
  while (next.done !== true) next = pieces.next();
  expect(next.value).toEqual(withPayloadTexts(JSON.parse(text), text));
});

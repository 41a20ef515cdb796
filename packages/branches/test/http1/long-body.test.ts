import { resultOfHttp, resultOfLongHttp } from '@holdfast/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LongBody } from '../../src/http1/long-body.ts';

/** The word found in a body that comes in pieces of these lengths, in turn. */
function wordIn(body: string, lengths: readonly number[] = [body.length || 1]): string | undefined {
  const long = new LongBody();
  const bytes = Buffer.from(body);
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = at + (lengths[turn % lengths.length] ?? 1);
    long.push(Buffer.from(bytes.subarray(at, end)));
    at = end;
  }
  return long.word;
}

const word = fc.constantFrom('FAILURE', 'ONGOING', 'SUCCESS');
const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
const name = fc.oneof(fc.string(), fc.constantFrom('dtm_result', 'a'));
const json = fc.oneof(
  fc.dictionary(name, fc.oneof(word, fc.jsonValue()), { maxKeys: 5 }),
  fc.array(fc.oneof(word, fc.jsonValue(), fc.record({ dtm_result: word }))),
  fc.tuple(fc.string(), word, fc.string()).map((parts) => parts.join('')),
);
const text = fc.oneof(
  json.map((value) => JSON.stringify(value)),
  json.map((value) => JSON.stringify(value, undefined, 1)),
  fc.tuple(json, fc.nat()).map(([value, at]) => {
    const whole = JSON.stringify(value);
    return whole.slice(0, at % (whole.length + 1));
  }),
  fc.tuple(fc.string(), word, fc.string()).map((parts) => `<${parts.join('')}`),
);

describe('the word in a body that is too long to be kept', () => {
  it('is the one that decides over a short body, in whatever pieces it comes', () => {
    fc.assert(
      fc.property(text, lengths, (body, cuts) => {
        const found = wordIn(body, cuts);
        for (const status of [200, 500])
          expect(resultOfLongHttp(status, body, found as 'FAILURE' | undefined).kind).toBe(
            resultOfHttp(status, body).kind,
          );
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['{"data":"x","dtm_result":"FAILURE"}', 'FAILURE'],
    ['{"dtm_result":"ONGOING","data":[1,{"dtm_result":"FAILURE"}]}', 'ONGOING'],
    ['{"dtm\\u005fresult":"FAILURE"}', 'FAILURE'],
    ['{"dtm_result":"FAILURE","dtm_result":"SUCCESS"}', undefined],
    ['{"dtm_result":"SUCCESS","note":"FAILURE"}', undefined],
    ['{"note":"\\"dtm_result\\":\\"FAILURE\\""}', undefined],
    ['[{"dtm_result":"FAILURE"}]', undefined],
    ['{"note":"FAILURE"', 'FAILURE'],
    ['{"note":"FAILURE"} and more', 'FAILURE'],
    ['{note:FAILURE}', 'FAILURE'],
    ['"FAILURE"', 'FAILURE'],
    ['" FAILURE"', undefined],
    ['FAILURE, still ONGOING', 'ONGOING'],
    [`${'['.repeat(1_001)}"FAILURE"${']'.repeat(1_001)}`, 'FAILURE'],
    ['\ufeff {"note":"FAILURE"}', undefined],
  ])('of %j is %j', (body, expected) => {
    expect(wordIn(body)).toBe(expected);
    expect(wordIn(body, [1])).toBe(expected);
  });
});

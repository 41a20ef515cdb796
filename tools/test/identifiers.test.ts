import { describe, expect, test } from 'vitest';
import { checkIdentifiers } from '../src/check-identifiers.ts';

const found = (text: string, path = 'packages/core/src/a.ts'): readonly string[] =>
  checkIdentifiers({ path, text }).map(({ line, message }) => `${line}: ${/^\S+/.exec(message)?.[0]}`);

describe('the identifiers of a source file', () => {
  test.each([
    'answer',
    'answeredAtMs',
    'MAX_ANSWER_BYTES',
    'told',
    'tellParent',
    'asked',
    'isAsked',
    'askBarrier',
    'letGo',
    'giveUp',
    'givesUp',
    'possessions',
    'standings',
    'eldest',
    'mended',
    'said',
    'saidBefore',
    'retryOrders',
    'orderTransaction',
  ])('use the terms of the glossary: %s', (name) => {
    expect(found(`const a = 1;\nconst ${name} = a;`)).toEqual([`2: ${name}`]);
  });

  test('include private names, types and properties, each once', () => {
    expect(found('class Answer {\n  #ask = 1;\n  b = this.#ask;\n}\nf({ told: 1 });')).toEqual([
      '1: Answer',
      '2: #ask',
      '5: told',
    ]);
  });

  test('call a driver only what drives a database for the Store contract', () => {
    expect(found('class PgDriver {}', 'packages/client/src/a.ts')).toEqual(['1: PgDriver']);
    expect(found('class PgDriver {}', 'packages/store-lmdb/src/a.ts')).toEqual([]);
  });

  test.each(['task', 'masks', 'outstanding', 'recommended', 'byOrder', 'readOrderOf', 'BYTE_ORDER_MARK', 'TaskMeta'])(
    'may contain a stem within another word, and name a sorting order: %s',
    (name) => {
      expect(found(`let ${name};`)).toEqual([]);
    },
  );

  test('leave texts and comments to the check of prose', () => {
    expect(found("// answered\nf('answer', `told`);")).toEqual([]);
  });

  test('tell stories and take orders in the demo shop', () => {
    expect(found('let tellStory, orderSaga;', 'examples/shop/src/a.ts')).toEqual([]);
    expect(found('let tellStory;')).toEqual(['1: tellStory']);
  });
});

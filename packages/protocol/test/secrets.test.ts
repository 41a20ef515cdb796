import { describe, expect, it } from 'vitest';
import { branchResult, isSecretName, placeOfUrl, secretsOfHeaders, withoutSecrets } from '../src/index.ts';

describe('where a URL leads', () => {
  it.each([
    ['postgres://user:hunter2@db.example:5432/orders', 'postgres://db.example:5432/orders'],
    ['postgres://user:hunter2@one:5432,two:5433/orders?sslmode=require', 'postgres://one:5432,two:5433/orders'],
    ['mysql://user:p@hunter2@db/orders?ssl={"key":"hunter2"}', 'mysql://db/orders'],
    ['postgres://db/orders?password=hunter2', 'postgres://db/orders'],
    ['redis://:hunter2@[::1]:6379/3', 'redis://[::1]:6379/3'],
    ['redis+unix://user:hunter2@/run/redis.sock?db=1', 'redis+unix:///run/redis.sock'],
    ['postgres://user:hun/ter2@db/orders', 'postgres://…'],
    ['postgres://user:hun#ter2@db/orders', 'postgres://…'],
    ['postgres://user:hun?ter2@db/orders', 'postgres://…'],
    ['postgres://user:1/hunter2@db/orders', 'postgres://…'],
    ['postgres://user:hun ter2', 'postgres://…'],
    ['user:hunter2@db', '(not a URL)'],
    ['lmdb:/var/lib/holdfast', 'lmdb:/var/lib/holdfast'],
    ['memory:', 'memory:'],
    ['http://user:hunter2@coordinator:36789', 'http://coordinator:36789'],
  ])('%s is shown as %s', (url, place) => {
    expect(placeOfUrl(url)).toBe(place);
  });
});

describe('a text is shown without its secrets', () => {
  it.each([
    'postgres://user:hunter2@db/orders is away',
    'postgres://user:hun/ter2-hunter2@db/orders is away',
    'cannot call http://user:hunter2@bank/debit?x=1',
    'cannot call https://user:p/hunter2@bank/debit',
    'http://bank/debit?token=hunter2&x=1',
    'http://bank/debit?x=1&api_key=hunter2',
    'mysql://db/orders?ssl=%7B%22key%22%3A%22hunter2%22%7D',
    'mysql://db/orders?ssl={"key":"hunter2"}',
    'postgres://db/orders?user=u&password=hunter2',
    'HTTP 500: {"headers":{"authorization":"Bearer hunter2hunter2","host":"bank"}}',
    'HTTP 500: {\\"headers\\":{\\"Authorization\\":\\"Bearer hunter2hunter2\\"}}',
    'authorization: Bearer hunter2hunter2',
    'Authorization: hunter2',
    'Cookie: session=hunter2; other=1',
    'x-api-key: hunter2',
    '{"password":"hunter2"}',
    "{'client_secret': 'hunter2'}",
    'password=hunter2',
    'rejected: eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.hunter2-hunter2',
    'at /x/eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.hunter2?y=1',
    'Basic aHVudGVyMjpodW50ZXIy hunter',
  ])('%s', (text) => {
    const shown = withoutSecrets(text);
    expect(shown).toContain('***');
    expect(shown).not.toMatch(/hunter2|ter2|aHVudGVy/);
  });

  it('and stays as it is where there are none', () => {
    for (const text of [
      'HTTP 409: the account is closed',
      'http://bank:8080/debit?gid=42&op=action is away',
      'https://bank/@team/debit?author=ann',
      'the password is wrong: try again',
      'eyJhbGciOi.txt, keyJar.eyJson.x and eyJ.a.b',
      'a basic authentication header is missing',
      'no token was found',
      'ECONNREFUSED 127.0.0.1:5432',
      '{"level":30,"url":"http://127.0.0.1:36789","gid":"a@b"}',
    ])
      expect(withoutSecrets(text)).toBe(text);
  });

  it('is still JSON when it was', () => {
    const value = { url: 'postgres://u:hunter2@h/d', err: { message: 'at "http://u:hunter2@h/"', token: 'hunter2' } };
    const shown = withoutSecrets(JSON.stringify(value));
    expect(shown).not.toContain('hunter2');
    expect(JSON.parse(shown)).toMatchObject({ url: 'postgres://***@h/d' });
  });

  it('whatever their form, when they are known', () => {
    const known = secretsOfHeaders({ Authorization: 'Bearer hunter2', 'X-Tenant-Token': 'swordfish', 'X-Trace': '17' });
    expect(withoutSecrets('I saw hunter2, swordfish and 17', known)).toBe('I saw ***, *** and 17');
    expect(['authorization', 'X-Api-Key', 'x-access-token'].filter((name) => !isSecretName(name))).toEqual([]);
    expect(isSecretName('x-request-id')).toBe(false);
  });

  it('in time that grows with its length', () => {
    // For each of these, a rule that backtracks would start at every position of the text.
    for (const part of ['a://', 'a://b:', '?token', 'Bearer ', '"password":"', 'authorization:', ' '])
      expect(withoutSecrets(part.repeat(20_000)).length).toBeGreaterThan(0);
  });

  it('as the reason of a result', () => {
    const echo = `${'x'.repeat(900)} {"authorization":"Bearer ${'hunter2'.repeat(50)}"}`;
    expect(branchResult('UNKNOWN', echo).reason).not.toContain('hunter2');
  });
});

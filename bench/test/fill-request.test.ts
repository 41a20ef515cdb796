import { expect, test } from 'vitest';
import { fillPost, type FillRequest } from '../src/scale/fill-request.ts';

const request: FillRequest = { target: 'http://c:1', branches: 'http://b:1', finished: 2, waiting: 1, gidPrefix: 'f-' };

test('the store is filled with the sagas, then with the waiting messages, then not further', () => {
  const posts = [1, 2, 3, 4].map((n) => fillPost(request, n));
  expect(posts.map((post) => post?.path)).toEqual([
    '/api/dtmsvr/submit',
    '/api/dtmsvr/submit',
    '/api/dtmsvr/prepare',
    undefined,
  ]);
  const gids = posts.slice(0, 3).map((post) => (JSON.parse(post?.body ?? '') as { gid: string }).gid);
  expect(gids).toEqual(['f-1', 'f-2', 'f-3']);
});

test('a waiting message is not checked back within a day', () => {
  expect(JSON.parse(fillPost(request, 3)?.body ?? '')).toMatchObject({
    trans_type: 'msg',
    query_prepared: 'http://b:1/check',
    timeout_to_fail: 86_400,
  });
});

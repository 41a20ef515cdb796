import { expect, test } from 'vitest';
import { Cleanup } from '../src/processes/cleanup.ts';

test('what was done is undone in the opposite order, also when a step fails', async () => {
  const cleanup = new Cleanup();
  const undone: string[] = [];
  cleanup.add(() => void undone.push('folder'));
  cleanup.add(() => Promise.reject(new Error('the server did not stop')));
  cleanup.add(() => void undone.push('process'));
  await expect(cleanup.run()).rejects.toThrow('the server did not stop');
  expect(undone).toEqual(['process', 'folder']);
});

test('a second run finds nothing left to undo', async () => {
  const cleanup = new Cleanup();
  let times = 0;
  cleanup.add(() => void (times += 1));
  await cleanup.run();
  await cleanup.run();
  expect(times).toBe(1);
});

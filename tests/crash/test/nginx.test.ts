import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withAddresses } from '../src/nginx.ts';

const recommended = readFileSync(new URL('../../../deploy/nginx/holdfast.conf', import.meta.url), 'utf8');
const lines = (text: string): readonly string[] => text.split('\n').map((line) => line.trim());

describe('the recommended configuration of nginx', () => {
  it('is used unchanged except for the addresses', () => {
    const changed = lines(withAddresses(recommended, 4000, [4001, 4002, 4003]));
    const before = lines(recommended);
    const added = changed.filter((line) => !before.includes(line));
    expect(added.map((line) => line.replace(/ (max_fails|backlog).*/, ''))).toEqual([
      'server 127.0.0.1:4001',
      'server 127.0.0.1:4002',
      'server 127.0.0.1:4003',
      'listen 127.0.0.1:4000',
    ]);
    expect(before.filter((line) => !changed.includes(line) && !line.startsWith('#'))).toHaveLength(3);
  });

  it('is rejected if it has no addresses to replace', () => {
    expect(() => withAddresses('upstream holdfast { }', 4000, [4001])).toThrow('no addresses');
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { withAddresses, withTls } from '../src/nginx.ts';

const recommended = readFileSync(new URL('../../../deploy/nginx/holdfast.conf', import.meta.url), 'utf8');
/** Without the marks of comments: the part for gRPC is one. */
const lines = (text: string): readonly string[] => text.split('\n').map((line) => line.replace(/^[# ]+/, '').trim());

const nginx = { http: 4000, grpc: 5000 };
const coordinators = [1, 2, 3].map((node) => ({ http: 4000 + node, grpc: 5000 + node }));

describe('the recommended configuration of nginx', () => {
  it('is used unchanged except for the addresses', () => {
    const changed = lines(withAddresses(recommended, nginx, coordinators));
    const before = lines(recommended);
    const added = changed.filter((line) => !before.includes(line));
    expect(added.map((line) => line.replace(/ (max_fails|backlog).*/, ''))).toEqual([
      'server 127.0.0.1:4001',
      'server 127.0.0.1:4002',
      'server 127.0.0.1:4003',
      'server 127.0.0.1:5001',
      'server 127.0.0.1:5002',
      'server 127.0.0.1:5003',
      'listen 127.0.0.1:5000',
      'listen 127.0.0.1:4000',
    ]);
    expect(before.filter((line) => !changed.includes(line))).toHaveLength(6);
  });

  it('is rejected if it has no part for gRPC', () => {
    expect(() => withAddresses('upstream holdfast { }', nginx, coordinators)).toThrow('no part for gRPC');
  });

  it('has TLS on both sides, and no way around it', () => {
    const config = withTls(withAddresses(recommended, nginx, coordinators), { certificate: 'c', key: 'k', ca: 'a' });
    const code = config.split('\n').filter((line) => !line.trim().startsWith('#'));
    const of = (what: RegExp) => code.filter((line) => what.test(line)).map((line) => line.trim());
    expect(of(/listen /).every((line) => line.endsWith(' ssl;'))).toBe(true);
    expect(of(/_pass /).filter((line) => !/ (https|grpcs):/.test(line))).toEqual([]);
    expect(of(/_ssl_verify /)).toEqual(['proxy_ssl_verify on;', 'grpc_ssl_verify on;']);
    expect(() => withTls('server { listen 1; }', { certificate: 'c', key: 'k', ca: 'a' })).toThrow(
      'no lines to change',
    );
  });
});

import { startRedis } from '@holdfast/testing/servers';
import { frozenNodeTests } from './support/frozen-node.ts';

// A claim returns the records.
frozenNodeTests('redis-server', 'Redis', () => startRedis(), { claim: /EVALSHA/i, read: /EVALSHA/i });

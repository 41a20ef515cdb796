import { startPostgres } from '@holdfast/testing/servers';
import { frozenNodeTests } from './support/frozen-node.ts';

frozenNodeTests('postgres', 'PostgreSQL', () => startPostgres(), { claim: /\0claim\0/, read: /\0get\0/ });

import { startMariadb } from '@holdfast/testing/servers';
import { frozenNodeTests } from './support/frozen-node.ts';

frozenNodeTests('mariadbd', 'MariaDB', () => startMariadb(), {
  claim: /into @alive .*skip locked/s,
  read: /^(?!.*@alive).*t\.definition, t\.state/s,
});

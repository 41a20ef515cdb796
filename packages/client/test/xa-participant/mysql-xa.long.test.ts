import { describeWith } from '../../../../tools/src/describe-with.ts';
import { xaSuite } from './suite.ts';
import { openMysqlXa } from './worlds.ts';

describeWith(['mariadbd'], 'XA on MariaDB', () => xaSuite(openMysqlXa));

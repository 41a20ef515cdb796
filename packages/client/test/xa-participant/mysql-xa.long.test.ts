import { describeWith } from '@holdfast/testing/describe-with';
import { xaSuite } from './suite.ts';
import { openMysqlXa } from './worlds.ts';

describeWith(['mariadbd'], 'XA on MariaDB', () => xaSuite(openMysqlXa));

import { describeWith } from '@holdfast/testing/describe-with';
import { xaWorkflowSuite } from './workflow-cases.ts';
import { openMysqlXa } from './worlds.ts';

describeWith(['mariadbd'], 'XA steps of workflows on MariaDB', () => {
  xaWorkflowSuite(openMysqlXa);
});

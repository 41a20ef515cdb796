import { describeWith } from '../../../tools/src/describe-with.ts';
import { movedClockCases, useFakeClock } from '../../conformance/test/support/moved-clock.ts';
import { createMysqlStore } from '../src/index.ts';
import { newPrefix, useServer } from './server.ts';

describeWith(['mariadbd', 'faketime'], 'a MariaDB whose clock is set', () => {
  const clock = useFakeClock();
  const { url } = useServer([], clock.environment);
  movedClockCases(clock, () => {
    const prefix = newPrefix();
    return () => createMysqlStore({ url: url(), prefix });
  });
});

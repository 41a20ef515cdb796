import { describeWith } from '@holdfast/testing/describe-with';
import { createFakeClock } from '@holdfast/testing/servers';
import { movedClockCases, useFakeClock } from '@holdfast/testing/store-cases';
import { createMysqlStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/mysql';

describeWith(['mariadbd', 'faketime'], 'a MariaDB whose clock is set', () => {
  const clock = useFakeClock(createFakeClock);
  const { url } = useServer([], clock.environment);
  movedClockCases(clock, () => {
    const prefix = newPrefix();
    return () => createMysqlStore({ url: url(), prefix });
  });
});

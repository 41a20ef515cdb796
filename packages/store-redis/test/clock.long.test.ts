import { describeWith } from '@holdfast/testing/describe-with';
import { createFakeClock } from '@holdfast/testing/servers';
import { movedClockCases, useFakeClock } from '@holdfast/testing/store-cases';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/redis';

describeWith(['redis-server', 'faketime'], 'a Redis whose clock is set', () => {
  const clock = useFakeClock(createFakeClock);
  const { url } = useServer({ environment: clock.environment });
  movedClockCases(clock, () => {
    const prefix = newPrefix();
    return () => createRedisStore({ url: url(), prefix });
  });
});

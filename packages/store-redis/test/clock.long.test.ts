import { describeWith } from '@holdfast/testing/describe-with';
import { movedClockCases, useFakeClock } from '@holdfast/testing/store-cases';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from '@holdfast/testing/redis';

describeWith(['redis-server', 'faketime'], 'a Redis whose clock is set', () => {
  const clock = useFakeClock();
  const { url } = useServer({ environment: clock.environment });
  movedClockCases(clock, () => {
    const prefix = newPrefix();
    return () => createRedisStore({ url: url(), prefix });
  });
});

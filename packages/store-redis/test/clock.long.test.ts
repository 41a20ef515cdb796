import { describeWith } from '../../../tools/src/describe-with.ts';
import { movedClockCases, useFakeClock } from '../../conformance/test/support/moved-clock.ts';
import { createRedisStore } from '../src/index.ts';
import { newPrefix, useServer } from './server.ts';

describeWith(['redis-server', 'faketime'], 'a Redis whose clock is set', () => {
  const clock = useFakeClock();
  const { url } = useServer({ environment: clock.environment });
  movedClockCases(clock, () => {
    const prefix = newPrefix();
    return () => createRedisStore({ url: url(), prefix });
  });
});

import { describeWith } from '../../../tools/src/describe-with.ts';
import { movedClockCases, useFakeClock } from '../../conformance/test/support/moved-clock.ts';
import { createPostgresStore } from '../src/index.ts';
import { newSchema, useServer } from './server.ts';

describeWith(['postgres', 'faketime'], 'a PostgreSQL whose clock is set', () => {
  const clock = useFakeClock();
  const { url } = useServer([], clock.environment);
  movedClockCases(clock, () => {
    const schema = newSchema();
    return () => createPostgresStore({ url: url(), schema });
  });
});

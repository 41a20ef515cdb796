import { describeWith } from '@holdfast/testing/describe-with';
import { createSignalSafeClock } from '@holdfast/testing/servers';
import { movedClockCases, useFakeClock } from '@holdfast/testing/store-cases';
import { createPostgresStore } from '../src/index.ts';
import { newSchema, useServer } from '@holdfast/testing/postgres';

describeWith(['postgres', 'cc'], 'a PostgreSQL whose clock is set', () => {
  const clock = useFakeClock(createSignalSafeClock);
  const { url } = useServer([], clock.environment);
  movedClockCases(clock, () => {
    const schema = newSchema();
    return () => createPostgresStore({ url: url(), schema });
  });
});

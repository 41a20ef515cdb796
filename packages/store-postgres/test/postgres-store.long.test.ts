import { storeSuite } from '@holdfast/conformance';
import { describe, it } from 'vitest';
import { describeWith } from '@holdfast/testing/describe-with';
import { goldenFormat } from './golden.ts';
import { createPlace } from './place.ts';
import { useServer } from '@holdfast/testing/postgres';

describeWith(['postgres'], 'on a real server', () => {
  const { url } = useServer();
  storeSuite({
    name: 'postgres',
    test: { describe, it },
    manifest: {
      durable: true,
      exclusive: false,
      controllableClock: true,
      formats: [goldenFormat('schema-1')],
      damagedParts: ['state', 'definition', 'entry'],
      damagedHeads: [],
    },
    createPlace: () => createPlace(url()),
  });
});

import { storeSuite } from '@holdfast/conformance';
import { describe, it } from 'vitest';
import { goldenFormat } from './golden.ts';
import { createPlace } from './place.ts';

storeSuite({
  name: 'lmdb',
  test: { describe, it },
  manifest: { durable: true, exclusive: true, controllableClock: true, formats: [goldenFormat('format-1')] },
  createPlace,
});

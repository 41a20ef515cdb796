import { storeSuite } from '@holdfast/conformance';
import { describe, it } from 'vitest';
import { DAMAGED_HEAD_NAMES } from './damage-file.ts';
import { goldenFormat } from './golden.ts';
import { createPlace } from './place.ts';

storeSuite({
  name: 'lmdb',
  test: { describe, it },
  manifest: {
    durable: true,
    exclusive: true,
    controllableClock: true,
    formats: [goldenFormat('format-1')],
    damagedParts: ['state', 'definition', 'entry'],
    damagedHeads: DAMAGED_HEAD_NAMES,
  },
  createPlace,
});

import { message } from './message.ts';
import type { PatternExample } from './pattern.ts';
import { saga } from './saga.ts';
import { tcc } from './tcc.ts';
import { workflow } from './workflow.ts';
import { xa } from './xa.ts';

export const PATTERN_NAMES = ['saga', 'tcc', 'xa', 'message', 'workflow'] as const;
export type PatternName = (typeof PATTERN_NAMES)[number];

/** The five, side by side. */
export const PATTERNS: Readonly<Record<PatternName, PatternExample>> = { saga, tcc, xa, message, workflow };

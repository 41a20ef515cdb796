#!/usr/bin/env node
import { endAtOnce, endCommand, onStopSignals } from './early-stop.ts';

// Comes before the other modules are loaded: process 1 of a container ignores a signal without a
// listener.
onStopSignals(process.argv[2] === 'serve' ? endAtOnce : endCommand);
void import('./main.ts');

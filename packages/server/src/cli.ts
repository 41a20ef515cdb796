#!/usr/bin/env node
import { endAtOnce, endCommand, onStopSignals } from './early-stop.ts';

// Before everything else is loaded: process 1 of a container ignores a signal that it has no
// listener for.
onStopSignals(process.argv[2] === 'serve' ? endAtOnce : endCommand);
void import('./main.ts');

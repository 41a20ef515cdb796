import { endAtOnce, onStopSignals } from '../early-stop.ts';

// A signal for the whole group may arrive while the modules are loaded.
onStopSignals(endAtOnce);
void import('./run-worker.ts');

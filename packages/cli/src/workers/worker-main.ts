import { endAtOnce, onStopSignals } from '../early-stop.ts';

// A signal to the process group may arrive while the modules are loaded.
onStopSignals(endAtOnce);
void import('./run-worker.ts');

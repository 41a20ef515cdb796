#!/usr/bin/env node
// In the repository rather than built, so that npm can link it before anything is built.
import '../dist/cli.js';

#!/usr/bin/env node
import { serve } from '../dist/index.js';

process.exitCode = await serve(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
  onSignal: (name, callback) => {
    process.on(name, callback);
    return () => process.off(name, callback);
  },
}).catch((error) => {
  process.stderr.write(`error: ${error.message}\n`);
  return 2;
});
// Everything is done; what a server no longer answers must not hold on to the process.
setTimeout(() => process.exit(), 500).unref();

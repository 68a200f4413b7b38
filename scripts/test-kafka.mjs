// `npm run test:kafka`: the conformance suite and the service on a real Apache Kafka, which it brings and starts.
import { ensurePackages, envFor, nodeForTools, Unavailable } from './bootstrap.mjs';
import { bringKafka } from './bring-kafka.mjs';
import { bringProgram } from './system-programs.mjs';
import { vitestRun } from './vitest-run.mjs';

await ensurePackages();
try {
  await bringKafka();
  await bringProgram(['redis-server'], 'redis-server');
  const node = await nodeForTools();
  // All whose names end so: the broker's suite, the service on it, and passwords and certificates.
  const files = ['--project=programs', 'apache-kafka.test.ts'];
  const result = await vitestRun('kafka', { command: node, args: [], env: envFor(node) }, files);
  if (!result.ok) console.log(result.output);
  for (const line of result.notRun ?? []) console.log(`not run: ${line}`);
  console.log(`${result.passed} passed, ${result.failed} failed`);
  process.exitCode = result.ok ? 0 : 1;
} catch (error) {
  if (!(error instanceof Unavailable)) throw error;
  console.log(`not run: tests on Apache Kafka: ${error.message}`);
  console.log('0 passed, 0 failed');
}

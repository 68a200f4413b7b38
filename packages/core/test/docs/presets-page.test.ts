import { readFileSync } from 'node:fs';
import { formatDuration } from 'breakwater/options';
import { type PresetDefinition, presetDefinitions } from 'breakwater/presets';
import { expect, it } from 'vitest';

const page = readFileSync(new URL('../../../../docs/presets.md', import.meta.url), 'utf8').replaceAll(/ +/g, ' ');

function rowOf(name: string, definition: PresetDefinition): string {
  const { retry, circuitBreaker, bulkhead, totalTimeoutMs, attemptTimeoutMs } = definition;
  const [first, second] = [1, 2].map((attempt) =>
    retry.backoff!.delayMs({ attempt, error: undefined, previousMs: 0, random: { next: () => 0.5 } } as never),
  );
  const breaks = formatDuration(circuitBreaker.breakMs as number);
  const breaker =
    circuitBreaker.trip === undefined
      ? `${circuitBreaker.failureRatio! * 100} % of at least ${circuitBreaker.minThroughput} in ${formatDuration(circuitBreaker.samplingMs!)}, for ${breaks}`
      : `${{ database: 5, costOptimised: 3, integrated: 5 }[name]} in a row, for ${breaks}`;
  const queue =
    bulkhead.maxQueue === undefined
      ? ''
      : `, ${bulkhead.maxQueue.toLocaleString('en')} wait ${formatDuration(bulkhead.maxQueueWaitMs!)}`;
  const attempt = attemptTimeoutMs === undefined ? '–' : formatDuration(attemptTimeoutMs);
  const waits = `${retry.maxAttempts}, after ${formatDuration(Number(first))}, ${formatDuration(Number(second))} …`;
  return `| \`${name}\` | ${formatDuration(totalTimeoutMs)} | ${waits} | ${breaker} | ${bulkhead.maxConcurrent}${queue} | ${attempt} |`;
}

it.each(Object.entries(presetDefinitions))('the page tells what %s contains', (name, definition) => {
  expect(page).toContain(rowOf(name, definition));
});

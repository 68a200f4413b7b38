// Pipelines from a YAML file, and from the file as it has become. Needs `npm install yaml breakwater`.
import { readFileSync } from 'node:fs';
import { ConfigurationError } from 'breakwater';
import { pipelineRegistry } from 'breakwater/registry';
import { parse } from 'yaml';

const read = (name) => parse(readFileSync(new URL(name, import.meta.url), 'utf8'));

const registry = pipelineRegistry(read('pipelines.yaml'));
console.log('at first', registry.names);
console.log('after the change', registry.update(read('pipelines-changed.yaml')));

try {
  registry.update({ pipelines: { stock: { preset: 'httpClint', retry: { maxAttempts: 0 } } } });
} catch (error) {
  if (!(error instanceof ConfigurationError)) throw error;
  console.log(
    'refused',
    error.faults.map(({ path, hint }) => (hint === undefined ? path : `${path}: ${hint}`)),
  );
}
await registry.close();

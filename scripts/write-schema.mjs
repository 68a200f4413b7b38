// Writes the JSON Schema of the registry's configuration, which is shipped with the library; a test holds it to the source.
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { inRoot } from './workspace.mjs';

const core = inRoot('packages', 'core');
const { configurationSchema } = await import(pathToFileURL(`${core}/dist/registry/index.js`).href);
writeFileSync(`${core}/configuration.schema.json`, `${JSON.stringify(configurationSchema(), null, 2)}\n`);
console.log('packages/core/configuration.schema.json written');

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { eventSeverities } from '../packages/core/src/events/severities.ts';
import { defaultsTables, split } from './defaults-table.mjs';
import { eventFaults, eventsOf, eventsTable } from './events-table.mjs';
import { regenerated } from './generated-docs.mjs';
import { table } from './markdown-table.mjs';
import { membersOf, readSources } from './source-facts.mjs';
import { inRoot } from './workspace.mjs';

const folder = mkdtempSync(join(tmpdir(), 'breakwater-sources-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The facts of a source folder with these files. */
function sources(files) {
  const root = mkdtempSync(join(folder, 'src-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return readSources(root);
}

const gate = {
  'policy/base.ts': '/** Common. */ export interface PolicyOptions { /** Its name. */ readonly name?: string }',
  'gate/gate.ts': `
    /** Options. */
    export interface GateOptions extends PolicyOptions {
      /** How many may pass, as {@link pass} counts them; at least 1, default 10. */
      readonly maxPassing?: number | undefined;
      /** Who may pass; default: everybody, or nobody at night. Others are sent away. */
      readonly passIf?: (() => boolean) | undefined;
      /** Where it leads. No default. */
      readonly to: string;
      /** How it opens: 'a' | 'b'; default constant. */
      readonly opening?: Opening;
    }
    export const gateDefaults: Readonly<Required<Pick<GateOptions, 'maxPassing' | 'opening'>>> = Object.freeze({
      maxPassing: 10_000,
      opening: swing({ degrees: 90,
        speed: 2, }),
    });
    /** Somebody passed. */
    export interface PassedEvent { readonly outcome: 'success' | 'refused'; readonly who: string }
    export interface GateEvents {
      passed: PassedEvent;
      /** It was shut. */
      shut: object;
    }
    class Gate { pass(call) { if (call.wants('passed')) call.emit(this.name, 'passed', {}); } }`,
  'gate/gate.test.ts': 'call.emit(this.name, "only in a test", {});',
};
const exported = { gateDefaults: Object.freeze({ maxPassing: 10_000, opening: {} }) };

describe('a table of defaults', () => {
  it('has names and meanings from the comments, and defaults from the constant, or else from the comment', () => {
    const facts = sources({ ...gate, 'gate/gate.ts': gate['gate/gate.ts'].replace('default 10.', 'default 10,000.') });
    expect(
      defaultsTables(facts, 'gate', exported)
        .split('\n')
        .map((line) => line.replaceAll(/ +/g, ' ')),
    ).toEqual([
      '| option | default | meaning |',
      expect.stringMatching(/^\| -+ \| -+ \| -+ \|$/),
      '| `maxPassing` | 10,000 | How many may pass, as `pass` counts them; at least 1. |',
      '| `passIf` | everybody, or nobody at night | Who may pass. Others are sent away. |',
      '| `to` | required | Where it leads. |',
      "| `opening` | `swing({ degrees: 90, speed: 2 })` | How it opens: 'a' \\| 'b'. |",
    ]);
  });

  it('is refused where a comment names another default than the constant has', () => {
    expect(() => defaultsTables(sources(gate), 'gate', exported)).toThrow(
      'the comment of GateOptions.maxPassing says 10, its default is 10000',
    );
  });

  it('is refused where the constant can be changed, has a key that is no option, or is missing', () => {
    const facts = sources({ ...gate, 'gate/gate.ts': gate['gate/gate.ts'].replace('default 10.', '') });
    expect(() => defaultsTables(facts, 'gate', { gateDefaults: { maxPassing: 1 } })).toThrow(/not frozen/);
    expect(() => defaultsTables(facts, 'gate', { gateDefaults: Object.freeze({ size: 1 }) })).toThrow(
      /no option of GateOptions/,
    );
    expect(() => defaultsTables(facts, 'gate', {})).toThrow(/no constant that ends in Defaults/);
    expect(() => defaultsTables(facts, 'gate', {}, 'otherDefaults')).toThrow(/exports no constant otherDefaults/);
  });

  it('can be of an interface without a constant, and of several constants in one room', () => {
    const facts = sources({ ...gate, 'gate/gate.ts': gate['gate/gate.ts'].replace('default 10.', 'default 10,000.') });
    expect(defaultsTables(facts, 'gate', {}, 'GateOptions')).toMatch(/`maxPassing` +\| 10,000 /);
    facts.constants.set('WIDE_GATE_DEFAULTS', { name: 'WIDE_GATE_DEFAULTS', room: 'gate', type: 'GateOptions' });
    const both = defaultsTables(facts, 'gate', {
      ...exported,
      WIDE_GATE_DEFAULTS: Object.freeze({ maxPassing: 10_000 }),
    });
    expect(both.match(/option of `\w+`/g)).toEqual(['option of `gate`', 'option of `wideGate`']);
  });
});

describe('what a comment says of a default', () => {
  it.each([
    ['How many; default 0.5.', true, 'How many.', '0.5'],
    ['How many; above 0, default 3; more is slower.', true, 'How many; above 0; more is slower.', '3'],
    ['How often; default: always; at night never. Twice.', false, 'How often. Twice.', 'always; at night never'],
    ['Default: the limit. How much.', false, 'How much.', 'the limit'],
    ['The mode. `a` (default): one. `b`: two.', true, 'The mode. `a` (default): one. `b`: two.', undefined],
    ['What is meant. Required.', false, 'What is meant.', undefined],
    ['What is meant. No default.', false, 'What is meant.', undefined],
    ['Nothing about it.', false, 'Nothing about it.', undefined],
  ])('%s', (docs, known, meaning, phrase) => {
    expect(split(docs, known)).toEqual({ meaning, phrase });
  });
});

describe('the table of events', () => {
  const severities = { passed: { success: 'debug', refused: 'warn' }, shut: 'info' };

  it('has a row for every event of every interface of events, with what it carries beside the envelope', () => {
    const facts = sources(gate);
    expect(eventFaults(facts, severities)).toEqual([]);
    expect(
      eventsTable(facts, severities, [{ name: 'outcome' }])
        .split('\n')
        .map((line) => line.replaceAll(/ +/g, ' ')),
    ).toEqual([
      '| event | told by | severity | outcome | when | carries |',
      expect.any(String),
      '| `passed` | gate | success: debug, refused: warn | success, refused | Somebody passed. | `who` |',
      '| `shut` | gate | info | – | It was shut. | – |',
    ]);
    expect(eventsTable(facts, severities, [], 'gate')).not.toContain('told by');
    expect(() => eventsTable(facts, severities, [], 'policy')).toThrow(/named policy tells events/);
  });

  it('may be of one interface of several in a room, and has an event that two share in both', () => {
    const more = `
      export interface KeyEvents { /** It was turned. */ turned: object; /** It was shut. */ shut: object }`;
    const facts = sources({ ...gate, 'gate/key.ts': more });
    const types = (of) =>
      [...eventsTable(facts, { ...severities, turned: 'info' }, [], of).matchAll(/^\| `(\w+)`/gm)].map(
        ([, type]) => type,
      );
    expect([types('GateEvents'), types('KeyEvents')]).toEqual([
      ['passed', 'shut'],
      ['shut', 'turned'],
    ]);
  });

  it('misses no event: not one that is told and declared nowhere, nor one without severity, outcome or comment', () => {
    const more = `
      export interface LockEvents { locked: object }
      class Lock { lock(call) { call.emit(this.name, 'unlocked', {}); } }`;
    expect(
      eventFaults(sources({ ...gate, 'lock/lock.ts': more }), {
        passed: { success: 'debug', failure: 'warn' },
        gone: 'info',
      }),
    ).toEqual([
      'the event passed has no severity for the outcome refused',
      'the event passed has a severity for failure, which is no outcome of it',
      'the event shut has no severity in events/severities.ts',
      'the event locked has no comment',
      'the event locked has no severity in events/severities.ts',
      'events/severities.ts knows an event gone that nobody tells',
      'lock/lock.ts:3: the event unlocked is in no interface of events',
    ]);
  });

  it('finds every event of the library, each with a severity for each of its outcomes', () => {
    const facts = readSources(inRoot('packages', 'core', 'src'));
    expect(eventFaults(facts, eventSeverities)).toEqual([]);
    expect([...eventsOf(facts).keys()]).toEqual(expect.arrayContaining(['call-ended', 'retry', 'circuit-opened']));
    expect(membersOf(facts, 'EventEnvelope').map(({ name }) => name)).toContain('durationMs');
  });
});

describe('a generated part of a page', () => {
  it('is made anew between its comments, and the rest of the page stays as it is', async () => {
    const facts = sources(gate);
    const page = 'Before\n\n<!-- events:begin -->\nold\n<!-- events:end -->\n\nAfter $1 $&\n';
    const wanted = await regenerated(page, 'gate', facts, { passed: 'debug', shut: 'info' });
    expect(wanted).toMatch(
      /^Before\n\n<!-- events:begin -->\n\n\| event [^]*\|\n\n<!-- events:end -->\n\nAfter \$1 \$&\n$/,
    );
    await expect(regenerated(wanted, 'gate', facts, { passed: 'debug', shut: 'info' })).resolves.toBe(wanted);
  });

  it('is refused where nothing is called as its argument says', async () => {
    const page = '<!-- defaults:begin noSuchDefaults -->\n<!-- defaults:end -->';
    await expect(regenerated(page, 'gate', sources(gate), {})).rejects.toThrow(/noSuchDefaults/);
  });
});

describe('a table', () => {
  it('is padded as the formatter pads it, with its bars escaped', () => {
    expect(table(['a', 'long heading'], [['x | y', '1']])).toBe(
      ['| a      | long heading |', '| ------ | ------------ |', '| x \\| y | 1            |'].join('\n'),
    );
  });
});

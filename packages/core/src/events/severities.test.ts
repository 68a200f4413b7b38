import { describe, expect, it } from 'vitest';
import { eventSeverities, severityOf } from './severities.ts';

describe('the severity of an event', () => {
  it('is that of its type, or of its outcome where that decides', () => {
    const severities = [
      severityOf({ type: 'retry' }),
      severityOf({ type: 'retry', outcome: 'failure' }),
      severityOf({ type: 'call-ended', outcome: 'success' }),
      severityOf({ type: 'call-ended', outcome: 'failure' }),
      severityOf({ type: 'rate-limited', outcome: 'refused' }),
    ];
    expect(severities).toEqual(['warn', 'warn', 'debug', 'error', 'warn']);
  });

  it('is info for an event that is not the library’s own, whatever it is called, and for an unknown outcome', () => {
    const severities = ['stock-low', 'toString', '__proto__'].map((type) => severityOf({ type }));
    expect(severities).toEqual(['info', 'info', 'info']);
    expect(severityOf({ type: 'call-ended' })).toBe('info');
    expect(severityOf({ type: 'call-ended', outcome: 'queued' })).toBe('info');
  });

  it('is a method of every usual logger', () => {
    const methods = Object.values(eventSeverities).flatMap((severity) =>
      typeof severity === 'string' ? [severity] : Object.values(severity),
    );
    for (const method of methods) expect(console[method]).toBeTypeOf('function');
    expect(Object.isFrozen(eventSeverities)).toBe(true);
  });
});

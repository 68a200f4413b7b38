import { describe, expect, it } from 'vitest';
import { deadlineFromRequest } from './index.ts';

const request = (value?: string) => ({ headers: value === undefined ? {} : { 'breakwater-deadline-ms': value } });

describe('deadlineFromRequest', () => {
  it('reads what a caller says, from a Request and from headers as Node has them', () => {
    const headers = { 'breakwater-deadline-ms': '1500' };
    expect(deadlineFromRequest(new Request('http://host.test', { headers }))).toBe(1_500);
    expect(deadlineFromRequest({ headers })).toBe(1_500);
  });

  it('takes off what the way back takes, and never exceeds the most', () => {
    expect(deadlineFromRequest(request('1500'), { marginMs: 200 })).toBe(1_300);
    expect(deadlineFromRequest(request('100'), { marginMs: 200 })).toBe(0);
    expect(deadlineFromRequest(request('999999'), { maxMs: 5_000 })).toBe(5_000);
    expect(deadlineFromRequest(request(), { maxMs: 5_000 })).toBe(5_000);
  });

  it('is undefined when nobody says anything valid', () => {
    expect(deadlineFromRequest(request())).toBeUndefined();
    expect(deadlineFromRequest(request('soon'))).toBeUndefined();
  });

  it('refuses options that can not be meant', () => {
    expect(() => deadlineFromRequest(request(), { maxMs: -1 })).toThrow(/maxMs/);
  });
});

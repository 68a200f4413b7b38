import { describe, expect, it } from 'vitest';
import { failure, success } from '../policy/outcome.ts';
import { budgetRule } from './budget.ts';
import { retryBudget } from './retry-budget.ts';
import { tokenBudget } from './token-budget.ts';

/** As many calls as one says, all of them under way. */
function begun(budget: ReturnType<typeof retryBudget>, calls: number): object[] {
  const all = Array.from({ length: calls }, () => ({}));
  for (const call of all) budget.callBegan(call);
  return all;
}

function taken(budget: ReturnType<typeof retryBudget>): number {
  let count = 0;
  while (budget.tryTake()) count++;
  return count;
}

describe('a budget by what is in flight', () => {
  it.each([
    [0, 3],
    [15, 3],
    [19, 3],
    [20, 4],
    [100, 20],
  ])('admits, while %i calls are in flight, %i retries by default', (calls, retries) => {
    const budget = retryBudget();
    begun(budget, calls);
    expect(budget.maxRetriesInFlight).toBe(retries);
    expect(taken(budget)).toBe(retries);
    expect([budget.callsInFlight, budget.retriesInFlight]).toEqual([calls, retries]);
  });

  it('counts the share exactly, however its product is rounded', () => {
    const budget = retryBudget({ maxRatio: 0.29, minConcurrency: 0 });
    begun(budget, 100);
    expect(taken(budget)).toBe(29);
  });

  it('has room again for each one that is given back', () => {
    const budget = retryBudget({ minConcurrency: 2 });
    expect(taken(budget)).toBe(2);
    budget.giveBack();
    expect(budget.retriesInFlight).toBe(1);
    expect(taken(budget)).toBe(1);
  });

  it('takes nothing back when calls end, and admits no other until enough have ended', () => {
    const budget = retryBudget({ maxRatio: 0.5, minConcurrency: 0 });
    const calls = begun(budget, 4);
    expect(taken(budget)).toBe(2);
    for (const call of calls.slice(0, 2)) budget.callEnded(call);
    expect([budget.maxRetriesInFlight, budget.retriesInFlight]).toEqual([1, 2]);
    budget.giveBack();
    expect(budget.tryTake()).toBe(false);
    budget.giveBack();
    expect(budget.tryTake()).toBe(true);
  });

  it('counts a call once, however many policies it comes to, until the last has done with it', () => {
    const budget = retryBudget();
    const call = {};
    for (let policy = 0; policy < 3; policy++) budget.callBegan(call);
    expect(budget.callsInFlight).toBe(1);
    budget.callEnded(call);
    budget.callEnded(call);
    expect(budget.callsInFlight).toBe(1);
    budget.callEnded(call);
    expect(budget.callsInFlight).toBe(0);
  });

  it('without a least number admits nothing while there are few calls', () => {
    const budget = retryBudget({ minConcurrency: 0 });
    begun(budget, 4);
    expect(budget.tryTake()).toBe(false);
  });

  it.each([
    [{ maxRatio: 0 }, 'retryBudget.maxRatio'],
    [{ maxRatio: 1.1 }, 'retryBudget.maxRatio'],
    [{ minConcurrency: -1 }, 'retryBudget.minConcurrency'],
    [{ minConcurrency: 0.5 }, 'retryBudget.minConcurrency'],
    [{ ratio: 0.2 }, 'retryBudget.ratio'],
  ])('is refused where it can not be meant: %o', (options, path) => {
    expect(() => retryBudget(options as never)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', faults: [expect.objectContaining({ path })] }),
    );
  });
});

describe('a budget of tokens', () => {
  const answer = (budget: ReturnType<typeof tokenBudget>, times = 1): void => {
    for (let n = 0; n < times; n++) budget.attemptEnded(success('item'), true);
  };
  const fail = (budget: ReturnType<typeof tokenBudget>, times = 1): void => {
    for (let n = 0; n < times; n++) budget.attemptEnded(failure('down'), false);
  };

  it('admits retries while more than half of its tokens are left: four failures of ten, not five', () => {
    const budget = tokenBudget();
    fail(budget, 4);
    expect([budget.tokens, budget.tryTake()]).toEqual([6, true]);
    fail(budget);
    expect([budget.tokens, budget.tryTake()]).toEqual([5, false]);
  });

  it('is never below nothing and never above full', () => {
    const budget = tokenBudget({ maxTokens: 3 });
    fail(budget, 10);
    expect(budget.tokens).toBe(0);
    answer(budget, 100);
    expect(budget.tokens).toBe(3);
  });

  it('gets a fraction of a token back for each answer, exactly, and admits again above half', () => {
    const budget = tokenBudget();
    fail(budget, 8);
    answer(budget, 30);
    expect([budget.tokens, budget.tryTake()]).toEqual([5, false]);
    answer(budget);
    expect([budget.tokens, budget.tryTake()]).toEqual([5.1, true]);
    answer(budget, 48);
    expect(budget.tokens).toBe(9.9);
    answer(budget, 5);
    expect(budget.tokens).toBe(10);
  });

  it('pays for attempts by their failure only: an admitted one costs nothing, and ends without a trace', () => {
    const budget = tokenBudget();
    expect([budget.tryTake(), budget.tokens]).toEqual([true, 10]);
    budget.callBegan({});
    budget.giveBack();
    budget.callEnded({});
    expect(budget.tokens).toBe(10);
  });

  it('counts an outcome once that a hedge and the retry around it both tell', () => {
    const budget = tokenBudget();
    const outcomes = [failure('down'), success('item')] as const;
    for (let policy = 0; policy < 2; policy++) budget.attemptEnded(outcomes[0], false);
    expect(budget.tokens).toBe(9);
    for (let policy = 0; policy < 2; policy++) budget.attemptEnded(outcomes[1], true);
    expect(budget.tokens).toBe(9.1);
  });

  it('takes what it is given to three decimals', () => {
    const budget = tokenBudget({ maxTokens: 1.0004, tokenRatio: 0.0014 });
    fail(budget);
    answer(budget);
    expect(budget.tokens).toBe(0.001);
    answer(budget, 2_000);
    expect(budget.tokens).toBe(1);
  });

  it.each([
    [{ maxTokens: 0 }, 'tokenBudget.maxTokens'],
    [{ maxTokens: 1_001 }, 'tokenBudget.maxTokens'],
    [{ tokenRatio: 0 }, 'tokenBudget.tokenRatio'],
    [{ tokenRatio: 2 }, 'tokenBudget.tokenRatio'],
  ])('is refused where it can not be meant: %o', (options, path) => {
    expect(() => tokenBudget(options as never)).toThrow(
      expect.objectContaining({ code: 'CONFIGURATION', faults: [expect.objectContaining({ path })] }),
    );
  });
});

it('either form is what an option for a budget takes, and nothing else is', () => {
  for (const budget of [retryBudget(), tokenBudget()]) expect(budgetRule.accepts(budget)).toBe(true);
  for (const other of [0.2, {}, { tryTake: () => true }, undefined]) expect(budgetRule.accepts(other)).toBe(false);
});

import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../errors/configuration-error.ts';
import { prometheusRegistry } from './registry.ts';

describe('a registry for Prometheus', () => {
  it('writes counters, gauges and histograms as the text format wants them', () => {
    const registry = prometheusRegistry();
    const orders = registry.createCounter('shop.orders', { description: 'Orders.\nAll of them.' });
    orders.add(2, { shop: 'a' });
    orders.add(1, { shop: 'a' });
    registry.createGauge('temperature').record(-Infinity);
    const open = registry.createUpDownCounter('open');
    open.add(3);
    open.add(-1);
    const sizes = registry.createHistogram('size', { advice: { explicitBucketBoundaries: [1, 10] } });
    for (const value of [1, 1.5, 11, Number.NaN]) sizes.record(value, { of: 'x' });
    expect(registry.text()).toBe(
      [
        '# HELP shop_orders_total Orders.\\nAll of them.',
        '# TYPE shop_orders_total counter',
        'shop_orders_total{shop="a"} 3',
        '# TYPE temperature gauge',
        'temperature -Inf',
        '# TYPE open gauge',
        'open 2',
        '# TYPE size histogram',
        'size_bucket{of="x",le="1"} 1',
        'size_bucket{of="x",le="10"} 2',
        'size_bucket{of="x",le="+Inf"} 3',
        'size_sum{of="x"} 13.5',
        'size_count{of="x"} 3',
        '',
      ].join('\n'),
    );
    expect(registry.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('takes attributes for the same whatever their order, and whether or not they can change', () => {
    const registry = prometheusRegistry();
    const counter = registry.createCounter('n');
    const changing = { a: 1, b: true };
    counter.add(1, changing);
    changing.a = 2;
    counter.add(1, changing);
    const frozen = Object.freeze({ b: true, a: 1 });
    for (let n = 0; n < 3; n++) counter.add(1, frozen);
    expect(registry.text()).toContain('n_total{a="1",b="true"} 4\nn_total{a="2",b="true"} 1\n');
  });

  it('writes what is beyond all numbers, or none, as Prometheus reads it', () => {
    const registry = prometheusRegistry();
    const gauge = registry.createObservableGauge('g');
    const values = { up: Infinity, down: -Infinity, none: Number.NaN };
    const report = (result: { observe(metric: unknown, value: number, attributes: object): void }): void => {
      for (const [way, value] of Object.entries(values)) result.observe(gauge, value, { way });
    };
    registry.addBatchObservableCallback(report as never, [gauge] as never);
    expect(registry.text()).toContain('g{way="up"} +Inf\ng{way="down"} -Inf\ng{way="none"} NaN\n');
  });

  it('does not let a counter fall', () => {
    const registry = prometheusRegistry();
    const counter = registry.createCounter('n');
    counter.add(5);
    counter.add(-1);
    expect(registry.text()).toContain('n_total 5\n');
  });

  it('asks what is observed each time anew, so that what is gone is gone', () => {
    const registry = prometheusRegistry();
    let rooms = ['a', 'b'];
    registry
      .createObservableGauge('free')
      .addCallback((result) => rooms.forEach((room) => result.observe(1, { room })));
    registry.createObservableUpDownCounter('busy').addCallback((result) => result.observe(rooms.length));
    registry.createObservableCounter('seen').addCallback((result) => result.observe(7));
    expect(registry.text()).toContain('free{room="b"} 1');
    rooms = ['a'];
    expect(registry.text()).toBe(
      '# TYPE free gauge\nfree{room="a"} 1\n# TYPE busy gauge\nbusy 1\n# TYPE seen_total counter\nseen_total 7\n',
    );
  });

  it('asks nobody who has taken the callback back', () => {
    const registry = prometheusRegistry();
    const gauge = registry.createObservableGauge('free');
    const callback = (result: { observe(of: typeof gauge, value: number): void }): void => result.observe(gauge, 1);
    registry.addBatchObservableCallback(callback, [gauge]);
    expect(registry.text()).toContain('free 1');
    registry.removeBatchObservableCallback(callback, [gauge]);
    expect(registry.text()).toBe('');
  });

  it('goes on when a callback throws, and says how often that was', () => {
    const registry = prometheusRegistry();
    registry.createObservableGauge('broken').addCallback(() => {
      throw new Error('no');
    });
    registry.createCounter('n').add(1);
    registry.text();
    expect(registry.text()).toContain('n_total 1\n# HELP breakwater_registry_failed_callbacks_total');
    expect(registry.text()).toMatch(/\nbreakwater_registry_failed_callbacks_total 3\n$/);
  });

  it('folds series beyond its bound into one, and counts what was folded', () => {
    const registry = prometheusRegistry({ maxSeries: 3 });
    const counter = registry.createCounter('n');
    for (const key of ['a', 'b', 'c', 'd', 'a', 'c']) counter.add(1, { key });
    const text = registry.text();
    expect(text).toContain('n_total{key="a"} 2\nn_total{key="b"} 1\nn_total{otel_metric_overflow="true"} 3\n');
    expect(text).toContain('breakwater_registry_folded_total{metric="n_total"} 3\n');
  });

  it('makes names that Prometheus allows, and joins values whose names become one', () => {
    const registry = prometheusRegistry();
    registry.createCounter('2nd-try.of it').add(1, { 'a.b': 1, a_b: 2 });
    expect(registry.text()).toContain('_2nd_try_of_it_total{a_b="1;2"} 1');
  });

  it('gives the same instrument to whoever asks for its name again, and refuses another kind of that name', () => {
    const registry = prometheusRegistry();
    registry.createCounter('n').add(1);
    registry.createCounter('n_total').add(1);
    expect(registry.text()).toContain('n_total 2');
    expect(() => registry.createHistogram('n_total')).toThrow(ConfigurationError);
    expect(() => registry.createCounter('')).toThrow(ConfigurationError);
    expect(() => prometheusRegistry({ maxSeries: 0 })).toThrow(ConfigurationError);
  });
});

import { seededRandom } from '../../clock/random.ts';
import { VirtualClock } from '../../clock/virtual-clock.ts';
import { connectionPool, type ConnectionPool, type ConnectionPoolOptions, type CreateContext } from '../index.ts';

/** What the pools of the tests lend. */
export interface Connection {
  readonly id: number;
  alive: boolean;
  ended: boolean;
}

export interface PoolUnderTest {
  readonly clock: VirtualClock;
  readonly pool: ConnectionPool<Connection>;
  /** All connections that were made, in their order. */
  readonly made: Connection[];
  readonly contexts: CreateContext[];
  /** Resolves when so many milliseconds have passed. */
  readonly after: (ms: number) => Promise<void>;
}

/** A pool of connections that are there at once, unless the options say otherwise. */
export function setUp(options: Partial<ConnectionPoolOptions<Connection>> = {}): PoolUnderTest {
  const clock = new VirtualClock();
  const made: Connection[] = [];
  const contexts: CreateContext[] = [];
  const pool = connectionPool<Connection>({
    clock,
    random: seededRandom(1),
    create: async (context) => {
      contexts.push(context);
      const connection = { id: made.length, alive: true, ended: false };
      made.push(connection);
      return connection;
    },
    destroy: async (connection) => {
      connection.ended = true;
    },
    ...options,
  });
  const after = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(ms, resolve));
  return { clock, pool, made, contexts, after };
}

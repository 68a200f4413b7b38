import type { DevicePage, DeviceSummary } from '../contract/device.ts';
import type { ListQuery } from '../contract/query.ts';

/** The devices that a query means: page by page, or one after the other over all pages. Nothing is asked before it is read. */
export interface DeviceList extends AsyncIterable<DeviceSummary> {
  /** The one page that `limit` and `cursor` or `offset` say. */
  page(): Promise<DevicePage>;
  /** That page and all after it. */
  pages(): AsyncIterable<DevicePage>;
}

/** @param ask Asks for one page. */
export function deviceList(query: ListQuery, ask: (query: ListQuery) => Promise<DevicePage>): DeviceList {
  const pages = async function* (): AsyncGenerator<DevicePage, void, undefined> {
    let page = await ask(query);
    yield page;
    while (page.nextCursor !== null) {
      // From the second page on the cursor says where it begins, and no offset.
      page = await ask({ ...query, offset: undefined, cursor: page.nextCursor });
      yield page;
    }
  };
  return {
    page: () => ask(query),
    pages,
    async *[Symbol.asyncIterator]() {
      for await (const { devices } of pages()) yield* devices;
    },
  };
}

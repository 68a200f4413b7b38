/** Ids of devices: letters, digits and `_ . : @ -`, not beginning with a dot or a dash, at most 200 characters. They stand in paths and keys as they are. */
export const DEVICE_ID_PATTERN = '^[A-Za-z0-9_][A-Za-z0-9_.:@-]{0,199}$';

/** Categories of readings. Without a colon, since they stand in the middle of keys. */
export const CATEGORY_PATTERN = '^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$';

/** The index of a reading, such as `T` or `P_int`: 1 to 200 characters, none of them a control character. */
export const INDEX_PATTERN = '^[^\\u0000-\\u001f\\u007f]{1,200}$';

/** Which devices are meant: an id in which `*` stands for any text and `?` for one character. */
export const DEVICE_PATTERN_PATTERN = '^[A-Za-z0-9_.:@*?-]{1,200}$';

/** ISO 8601 with date and time; without a zone it is UTC. */
export const TIMESTAMP_PATTERN =
  '^\\d{4}-\\d{2}-\\d{2}[T ]\\d{2}:\\d{2}(:\\d{2}([.,]\\d{1,9})?)?(Z|z|[+-]\\d{2}(:?\\d{2})?)?$';

/** The most devices in one batch, and the most readings in one ingest. */
export const MAX_BATCH = 1000;

/** The most devices on a page, and how many there are unless asked otherwise. */
export const MAX_PAGE = 1000;
export const DEFAULT_PAGE = 100;

/** The category of readings that name none. */
export const UNCATEGORISED = 'uncategorised';

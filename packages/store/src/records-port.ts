/** Where a record is kept: `kind` is a word of who keeps it (`chat.posts`: letters, digits, `.`, `-`, `_`), `id` is any text. */
export interface RecordName {
  readonly tenant: string;
  readonly kind: string;
  readonly id: string;
}

export interface StoredRecord {
  readonly id: string;
  /** As it was put: JSON, usually. At most 256 KiB. */
  readonly value: string;
  /** Grows with every change of the record, also over its deletion. */
  readonly version: number;
}

export interface RecordWrite {
  /** What must be there now: a version, or 0 for nothing. Default: whatever. */
  readonly version?: number | undefined;
  /** It is forgotten so long after this write, ms. Default: never. */
  readonly keepMs?: number | undefined;
}

export interface RecordPage {
  /** In order of id. */
  readonly records: readonly StoredRecord[];
  /** There may be more; a page can be short and still have one when many records have expired. */
  readonly cursor?: string | undefined;
}

/** Small documents of parts that keep a state of their own, changed one at a time by compare and set. */
export interface RecordStore {
  getRecord(name: RecordName): Promise<StoredRecord | undefined>;
  /**
   * @returns its new version, or undefined when something else is there than `version` says
   * @throws MOLT_BAD_REQUEST for a value that is too large, or a kind that is no word
   */
  putRecord(name: RecordName, value: string, write?: RecordWrite): Promise<number | undefined>;
  /** False when there was none, or another version. */
  dropRecord(name: RecordName, version?: number): Promise<boolean>;
  /** After `cursor`, an id. */
  listRecords(
    of: Pick<RecordName, 'tenant' | 'kind'>,
    query: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<RecordPage>;
}

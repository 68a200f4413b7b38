/** Something that tells events, of whatever types. */
export interface EventTeller {
  on(type: never, listener: never): () => void;
}

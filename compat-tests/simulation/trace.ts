/** Gets the events of a run, to examine a single seed. */
export type Trace = (fields: object, message: string) => void

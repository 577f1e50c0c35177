/** Why the cluster could not do what was asked, in one line. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  /** Kafka's error; undefined: the request was not for the cluster to decide. */
  readonly error: string | undefined

  constructor(message: string, error?: string) {
    super(message)
    this.error = error
  }
}

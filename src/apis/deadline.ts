import { type Rejection, reject } from '../../protocol/error-codes.ts'

/**
 * REQUEST_TIMED_OUT if the timeout leaves no time for the controller; nothing is changed then. Other requests are
 * handled at once. Source: QuorumController.appendWriteEvent, whose event misses this deadline.
 */
export function timeoutRefusal(timeoutMs: number): Rejection | undefined {
  return timeoutMs > 0 ? undefined : reject('REQUEST_TIMED_OUT', null)
}

import { type Rejection, reject } from '../../protocol/error-codes.ts'

/**
 * REQUEST_TIMED_OUT where a request leaves no time to wait for the controller: nothing of it is done. Any other is done at
 * once here. Source: QuorumController.appendWriteEvent, whose event comes too late for such a deadline.
 */
export function tooLate(timeoutMs: number): Rejection | undefined {
  return timeoutMs > 0 ? undefined : reject('REQUEST_TIMED_OUT', null)
}

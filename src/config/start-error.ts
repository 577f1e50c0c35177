/** Why a broker cannot start, in one line that says what to do. It is nobody's bug, so no stack is shown. */
export class StartError extends Error {
  override name = 'StartError'
}

/** Why a broker cannot start, in one line that says what to do. No stack is worth showing: it is nobody's bug. */
export class StartError extends Error {
  override name = 'StartError'
}

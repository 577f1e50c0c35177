/** Why a storage command ends with exit code 1, in one line. It is nobody's bug, so no stack is shown. */
export class CommandFailure extends Error {
  override name = 'CommandFailure'
}

/** Error codes of ZooKeeper's protocol. Below -100: errors of the operation. Source: KeeperException.Code. */
export const errorCodes = {
  OK: 0,
  /** The server cannot do it: a limit is reached. */
  SYSTEMERROR: -1,
  /** In a failed multi: this operation was not tried, because one before it failed. */
  RUNTIMEINCONSISTENCY: -2,
  /** The request cannot be decoded. */
  MARSHALLINGERROR: -5,
  UNIMPLEMENTED: -6,
  BADARGUMENTS: -8,
  NONODE: -101,
  NOAUTH: -102,
  BADVERSION: -103,
  NOCHILDRENFOREPHEMERALS: -108,
  NODEEXISTS: -110,
  NOTEMPTY: -111,
  SESSIONEXPIRED: -112,
  INVALIDACL: -114,
  AUTHFAILED: -115,
  NOWATCHER: -121,
  RECONFIGDISABLED: -123,
} as const

/** Name of an error. */
export type ErrorName = Exclude<keyof typeof errorCodes, 'OK'>

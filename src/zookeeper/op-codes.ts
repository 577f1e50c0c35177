/** Types of requests. Source: ZooDefs.OpCode of 3.5. */
export const opCodes = {
  error: -1,
  closeSession: -11,
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTtl: 21,
  auth: 100,
  setWatches: 101,
  sasl: 102,
} as const

/** Types of watch events. Source: Watcher.Event.EventType. */
export const eventTypes = { created: 1, deleted: 2, dataChanged: 3, childrenChanged: 4 } as const
export type EventType = keyof typeof eventTypes

/** Bits of permissions in an access control list. Source: ZooDefs.Perms. */
export const perms = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const

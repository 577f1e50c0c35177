import { isAllowed, withoutDigests } from './access-control.ts'
import type { AuthId } from './authentication.ts'
import type { ClientView } from './broker-nodes.ts'
import type { DataTree } from './data-tree.ts'
import type { ErrorName } from './error-codes.ts'
import { limits } from './limits.ts'
import { dataFor, type NodeState, statOf } from './node-state.ts'
import { perms } from './op-codes.ts'
import { quotaStats } from './quota-stats.ts'
import { type Body, writeAcl, writeStat } from './replies.ts'
import type { ReadRequest } from './requests.ts'
import type { Watcher, Watches } from './watches.ts'

/** Who reads. */
export interface Reader {
  readonly ids: readonly AuthId[]
  readonly view: ClientView
  /** Undefined once the connection is closed: nobody is left to be told. */
  readonly watcher: Watcher | undefined
}

/** Types of watches that a client names. Source: Watcher.WatcherType. */
const CHILDREN_WATCH = 1
const DATA_WATCH = 2
const ANY_WATCH = 3

/** Answers a request that changes nothing but watches. Source: FinalRequestProcessor. */
export class Reads {
  readonly #tree: DataTree
  readonly #reader: Reader
  /** Called when a watch is refused because there are too many. */
  readonly #onLimit: () => void

  constructor(tree: DataTree, reader: Reader, onLimit: () => void) {
    this.#tree = tree
    this.#reader = reader
    this.#onLimit = onLimit
  }

  /** The body of the answer, or the error. */
  answer(request: ReadRequest): Body | ErrorName {
    switch (request.kind) {
      case 'exists':
        return this.#exists(request.path, request.watch)
      case 'getData':
        return this.#getData(request.path, request.watch)
      case 'getChildren':
      case 'getChildren2':
        return this.#getChildren(request.path, request.watch, request.kind === 'getChildren2')
      case 'getAcl':
        return this.#getAcl(request.path)
      case 'setWatches':
        return this.#setWatches(request)
      case 'checkWatches':
        return this.#onWatches(request.path, request.type, (watches, path, watcher) => watches.has(path, watcher))
      case 'removeWatches':
        return this.#onWatches(request.path, request.type, (watches, path, watcher) => watches.remove(path, watcher))
    }
  }

  #exists(path: string | null, watch: boolean): Body | ErrorName {
    if (path === null) return 'MARSHALLINGERROR'
    if (path.includes('\0')) return 'BADARGUMENTS'
    if (watch && !this.#watch(this.#tree.dataWatches, path)) return 'SYSTEMERROR'
    const state = this.#tree.get(path)
    return state === undefined ? 'NONODE' : this.#stat(path, state)
  }

  #getData(path: string | null, watch: boolean): Body | ErrorName {
    const state = this.#readable(path, perms.read)
    if (typeof state === 'string') return state
    if (watch && !this.#watch(this.#tree.dataWatches, path!)) return 'SYSTEMERROR'
    const data = quotaStats(this.#tree, path!) ?? dataFor(state, this.#reader.view)
    return (writer) => {
      writer.buffer(data)
      this.#stat(path!, { ...state, data })(writer)
    }
  }

  #getChildren(path: string | null, watch: boolean, withStat: boolean): Body | ErrorName {
    const state = this.#readable(path, perms.read)
    if (typeof state === 'string') return state
    if (watch && !this.#watch(this.#tree.childWatches, path!)) return 'SYSTEMERROR'
    const children = this.#tree.children(path!)
    let bytes = 0
    for (const name of children) bytes += 4 + name.length
    // Said before the memory is taken. Connection checks the exact size of every answer.
    if (bytes >= limits.answerBytes) return 'SYSTEMERROR'
    return (writer) => {
      writer.vector([...children], (_, name) => writer.string(name))
      if (withStat) this.#stat(path!, state)(writer)
    }
  }

  #getAcl(path: string | null): Body | ErrorName {
    const state = this.#readable(path, perms.read | perms.admin)
    if (typeof state === 'string') return state
    const mayChange = isAllowed(state.acl, perms.admin, this.#reader.ids)
    return (writer) => {
      writeAcl(writer, mayChange ? state.acl : withoutDigests(state.acl))
      this.#stat(path!, state)(writer)
    }
  }

  /** A client that was away learns what it missed since relativeZxid, and watches the rest. Source: DataTree.setWatches. */
  #setWatches(request: Extract<ReadRequest, { kind: 'setWatches' }>): Body | ErrorName {
    const { data, exists, children, relativeZxid } = request
    if (![data, exists, children].every((paths) => paths?.every((path) => path !== null))) return 'MARSHALLINGERROR'
    const { dataWatches, childWatches } = this.#tree
    let isFull = false
    const watch = (watches: Watches, path: string) => {
      isFull ||= !this.#watch(watches, path)
    }
    for (const path of data as readonly string[]) {
      const state = this.#tree.get(path)
      if (state === undefined) this.#reader.watcher?.notify('deleted', path)
      else if (state.mzxid > relativeZxid) this.#reader.watcher?.notify('dataChanged', path)
      else watch(dataWatches, path)
    }
    for (const path of exists as readonly string[]) {
      if (this.#tree.get(path) !== undefined) this.#reader.watcher?.notify('created', path)
      else watch(dataWatches, path)
    }
    for (const path of children as readonly string[]) {
      const state = this.#tree.get(path)
      if (state === undefined) this.#reader.watcher?.notify('deleted', path)
      else if (state.pzxid > relativeZxid) this.#reader.watcher?.notify('childrenChanged', path)
      else watch(childWatches, path)
    }
    return isFull ? 'SYSTEMERROR' : NO_BODY
  }

  #onWatches(
    path: string | null,
    type: number,
    act: (watches: Watches, path: string, watcher: Watcher) => boolean,
  ): Body | ErrorName {
    const { childWatches, dataWatches } = this.#tree
    const kinds: readonly Watches[] | undefined = {
      [CHILDREN_WATCH]: [childWatches],
      [DATA_WATCH]: [dataWatches],
      [ANY_WATCH]: [childWatches, dataWatches],
    }[type]
    if (kinds === undefined) return 'MARSHALLINGERROR'
    const { watcher } = this.#reader
    if (path === null || watcher === undefined) return 'NOWATCHER'
    const were = kinds.filter((watches) => act(watches, path, watcher))
    return were.length > 0 ? NO_BODY : 'NOWATCHER'
  }

  #readable(path: string | null, permissions: number): NodeState | ErrorName {
    if (path === null) return 'MARSHALLINGERROR'
    const state = this.#tree.get(path)
    if (state === undefined) return 'NONODE'
    return isAllowed(state.acl, permissions, this.#reader.ids) ? state : 'NOAUTH'
  }

  #stat(path: string, state: NodeState): Body {
    return (writer) => writeStat(writer, statOf(state, this.#tree.children(path).size, this.#reader.view))
  }

  /** False if there are too many watches. */
  #watch(watches: Watches, path: string): boolean {
    const { watcher } = this.#reader
    if (watcher === undefined || watches.has(path, watcher)) return true
    const { dataWatches, childWatches } = this.#tree
    const own = dataWatches.countOf(watcher) + childWatches.countOf(watcher)
    if (own >= limits.watchesOfConnection || dataWatches.bytes + childWatches.bytes + path.length > limits.watchBytes) {
      this.#onLimit()
      return false
    }
    watches.add(path, watcher)
    return true
  }
}

const NO_BODY: Body = () => {}

import { inBackground } from '../../storage/failure-policy.ts'
import type { Host, Timer } from '../../storage/host/host.ts'
import type { Logger } from '../observe/logger.ts'
import type { AuthId } from './authentication.ts'
import type { BrokerChange, BrokerNodes, ClientView, NodeChange } from './broker-nodes.ts'
import { DataTree } from './data-tree.ts'
import type { ErrorName } from './error-codes.ts'
import { limits } from './limits.ts'
import { type Stat, statOf } from './node-state.ts'
import type { NodeStore } from './node-store.ts'
import { type OpResult, Plan } from './plan.ts'
import { RepeatedWarnings } from './repeated-warnings.ts'
import type { WriteOp } from './requests.ts'
import { type Session, Sessions } from './sessions.ts'
import { lastZxidOf, loadNodes, placeNodes } from './stored-nodes.ts'
import { TreeOfBroker } from './tree-of-broker.ts'
import { type MaybePromise, WriteQueue, whenThere } from './write-queue.ts'
import { Zxids } from './zxids.ts'

/** What a server is made of. */
export interface ServerParts {
  readonly host: Pick<Host, 'clock' | 'timers' | 'random' | 'fatal'>
  readonly logger: Logger
  readonly store: NodeStore
  /** Undefined: all nodes belong to clients. */
  readonly nodes?: BrokerNodes | undefined
  /** Path below which the broker's nodes are; '' is the root. */
  readonly chroot?: string
  /** No smaller zxid is given to a change. */
  readonly firstZxid?: number
}

/** Who wants a change. */
export interface Caller {
  readonly session: Session
  readonly ids: readonly AuthId[]
  readonly view: ClientView
}

/** Outcome of one or more operations, which happen together or not at all. */
export type Outcome =
  | { readonly results: readonly OpResult[] }
  /** failedAt: index of the operation that had the error. */
  | { readonly error: ErrorName; readonly failedAt: number }

/** How often containers are looked through for empty ones. Source: znode.container.checkIntervalMs. */
const CONTAINER_CHECK_MS = 60_000

/** The nodes, while there are clients. */
interface Loaded {
  readonly tree: DataTree
  readonly zxids: Zxids
  readonly ofBroker: TreeOfBroker
  readonly queue: WriteQueue
}

/**
 * The state behind all connections: nodes and sessions. Every change goes through one queue: planned against the tree,
 * carried out by the broker if it is the broker's, stored, made in the tree. So nobody sees what is not stored.
 */
export class ZooKeeperServer {
  readonly sessions: Sessions
  readonly warnings: RepeatedWarnings
  readonly #parts: ServerParts
  #loading: Promise<void> | undefined
  #loaded: Loaded | undefined
  #containerTimer: Timer | undefined
  /** Called when the state is lost: connections must be dropped. */
  onLost: () => void = () => {}

  constructor(parts: ServerParts) {
    this.#parts = parts
    this.sessions = new Sessions(parts.host, (session) => this.#expire(session))
    this.warnings = new RepeatedWarnings(parts.host.clock, parts.logger)
  }

  /** Only after `load`. */
  get tree(): DataTree {
    return this.#state.tree
  }

  /** Newest change. Only after `load`. */
  get lastZxid(): number {
    return this.#state.zxids.last
  }

  get isLoaded(): boolean {
    return this.#loaded !== undefined
  }

  get chroot(): string {
    return this.#parts.chroot ?? ''
  }

  get #state(): Loaded {
    if (this.#loaded === undefined) throw new Error('the nodes are not loaded')
    return this.#loaded
  }

  /** Builds the tree if there is none. Rejects if the store or the broker's side fails; it may be called again then. */
  load(): Promise<void> {
    if (this.#loading === undefined) {
      const isWanted = () => this.#loading === loading
      const loading: Promise<void> = this.#load(isWanted).catch((error: unknown) => {
        if (isWanted()) this.unload()
        throw error
      })
      this.#loading = loading
    }
    return this.#loading
  }

  /** Forgets nodes and sessions. The next `load` reads what is stored. */
  unload(): void {
    this.#loaded?.queue.stop()
    if (this.#loading !== undefined) this.#parts.nodes?.detach()
    this.#loaded = undefined
    this.#loading = undefined
    this.#containerTimer?.cancel()
    this.#containerTimer = undefined
    for (const session of [...this.sessions.all]) this.sessions.remove(session)
  }

  /** A new session; undefined if there are too many. */
  openSession(timeoutMs: number): MaybePromise<Session | undefined> {
    const { queue, zxids } = this.#state
    return queue.run(() => {
      if (this.sessions.count >= limits.sessions) {
        this.warnings.warn({}, `ZooKeeper clients are refused: there are ${limits.sessions} sessions`)
        return undefined
      }
      zxids.take()
      return this.sessions.open(timeoutMs)
    })
  }

  /** Ends a session and removes its ephemeral nodes. */
  closeSession(session: Session): MaybePromise<void> {
    const { queue, tree, zxids } = this.#state
    return queue.run(() => {
      session.isClosing = true
      if (this.sessions.get(session.id) !== session) return
      const plan = this.#plan({ session, ids: [], view: NOWHERE })
      plan.removeEphemerals(session.id)
      plan.applyTo(tree)
      zxids.take()
      this.sessions.remove(session)
    })
  }

  /** Waits for all changes that were asked for so far. */
  sync(): MaybePromise<void> {
    return this.#state.queue.run(() => {})
  }

  /** Takes a zxid for a request that cannot be served, as ZooKeeper does. */
  skipZxid(): MaybePromise<void> {
    const { queue, zxids } = this.#state
    return queue.run(() => {
      zxids.take()
    })
  }

  /** Makes changes, all or none. */
  change(caller: Caller, ops: readonly WriteOp[]): MaybePromise<Outcome> {
    return this.#state.queue.run(() => this.#change(caller, ops))
  }

  #change(caller: Caller, ops: readonly WriteOp[]): MaybePromise<Outcome> {
    if (caller.session.isClosing) return this.#refused({ error: 'SESSIONEXPIRED', failedAt: 0 })
    const plan = this.#plan(caller)
    const outcome = decide(plan, ops)
    if (plan.isMixed)
      this.warnings.warn(
        {},
        'a ZooKeeper client’s multi was refused: what the broker carries out must be its only change',
      )
    if (plan.isOutOfRoom)
      this.warnings.warn({}, 'a ZooKeeper client’s node was refused: there are too many or too large nodes')
    if ('error' in outcome) return this.#refused(outcome)
    if (outcome.ofBroker === undefined) return whenThere(this.#commit(plan), () => outcome)
    return this.#changeByBroker(outcome.results, outcome.ofBroker, caller)
  }

  /** Nothing else changes; other operations were checks. */
  async #changeByBroker(
    results: readonly OpResult[],
    { change, index, path }: BrokerPart,
    { view }: Caller,
  ): Promise<Outcome> {
    const error = await change.carryOut()
    if (error !== undefined) return this.#refused({ error, failedAt: index })
    return { results: results.with(index, { path, stat: this.#statNow(path, view) }) }
  }

  #refused(outcome: Outcome): Outcome {
    this.#state.zxids.take()
    return outcome
  }

  /** A node that is gone again has a Stat as it was created by the newest change. */
  #statNow(path: string, view: ClientView): Stat {
    const { tree, zxids } = this.#state
    const state = tree.get(path)
    if (state !== undefined) return statOf(state, tree.children(path).size, view)
    const [zxid, nowMs] = [zxids.last, this.#parts.host.clock.nowMs()]
    return {
      ...{
        czxid: zxid,
        mzxid: zxid,
        pzxid: zxid,
        ctimeMs: nowMs,
        mtimeMs: nowMs,
        version: 0,
        cversion: 0,
        aversion: 0,
      },
      ...{ ephemeralOwner: 0n, dataLength: 0, numChildren: 0 },
    }
  }

  #plan({ session, ids, view }: Caller): Plan {
    const { tree, zxids } = this.#state
    return new Plan(tree, {
      zxid: zxids.next,
      nowMs: this.#parts.host.clock.nowMs(),
      sessionId: session.id,
      ids,
      view,
      meaningOf: (change) => this.#meaningOf(change),
    })
  }

  #meaningOf(change: NodeChange): BrokerChange | ErrorName | undefined {
    const { chroot } = this
    const isBelow = change.path === chroot || change.path.startsWith(`${chroot}/`)
    if (!isBelow) return undefined
    return this.#parts.nodes?.meaningOf({ ...change, path: change.path.slice(chroot.length) || '/' })
  }

  /** Stores the changes if they are to be stored, and makes them. */
  #commit(plan: Plan): MaybePromise<void> {
    const state = this.#state
    const planned = plan.stored()
    if (planned.length === 0) return this.#apply(plan)
    const isPlanned = new Set(planned.map(({ path }) => path))
    const forgotten = state.ofBroker.takeForgotten().filter((path) => !isPlanned.has(path))
    state.ofBroker.hold()
    const stored = this.#parts.store.append([...forgotten.map((path) => ({ path, node: null })), ...planned])
    return stored.then(
      () => {
        this.#apply(plan)
        state.ofBroker.release()
      },
      (error: unknown) => this.#lose(state, error),
    )
  }

  #apply(plan: Plan): void {
    const { tree, zxids } = this.#state
    plan.applyTo(tree)
    zxids.take()
    if (tree.containers.size > 0) this.#checkContainersLater()
  }

  /** What is stored is not known: start anew from it. Whoever waits gets no answer. */
  #lose(state: Loaded, error: unknown): Promise<never> {
    if (this.#loaded === state) {
      this.#parts.logger.error(
        { err: error },
        'ZooKeeper nodes could not be stored: ZooKeeper clients must connect anew',
      )
      this.unload()
      this.onLost()
    }
    return new Promise(() => {})
  }

  #expire(session: Session): void {
    this.#inBackground(whenThere(this.closeSession(session), () => session.connection?.drop()))
  }

  #inBackground(work: MaybePromise<unknown>): void {
    if (work instanceof Promise) inBackground(this.#parts.host, work)
  }

  /** Removes from the store what the broker has removed or taken from clients. */
  #storeForgotten(state: Loaded): MaybePromise<void> {
    return state.queue.run(() => {
      const paths = state.ofBroker.takeForgotten()
      if (paths.length === 0) return
      const stored = this.#parts.store.append(paths.map((path) => ({ path, node: null })))
      return stored.catch((error: unknown) => this.#lose(state, error))
    })
  }

  #checkContainersLater(): void {
    this.#containerTimer ??= this.#parts.host.timers.after(CONTAINER_CHECK_MS, () => {
      this.#containerTimer = undefined
      const { tree, queue } = this.#state
      for (const path of [...tree.containers]) this.#inBackground(queue.run(() => this.#removeIfEmpty(path)))
      if (tree.containers.size > 0) this.#checkContainersLater()
    })
  }

  #removeIfEmpty(path: string): MaybePromise<void> {
    const plan = this.#plan({ session: NOBODY, ids: [], view: NOWHERE })
    plan.removeContainer(path)
    return plan.isEmpty ? undefined : this.#commit(plan)
  }

  /** isWanted: false once another load or a stop made this one needless. */
  async #load(isWanted: () => boolean): Promise<void> {
    const { store, nodes, firstZxid = 1, host } = this.#parts
    const stored = await loadNodes(store)
    const tree = new DataTree()
    const zxids = new Zxids(Math.max(firstZxid - 1, lastZxidOf(stored)))
    const onForgotten = () => this.#inBackground(this.#storeForgotten(loaded))
    const owner = this.sessions.takeId()
    const ofBroker = new TreeOfBroker({ tree, zxids, clock: host.clock, chroot: this.chroot, owner, onForgotten })
    const loaded: Loaded = { tree, zxids, ofBroker, queue: new WriteQueue() }
    ofBroker.putWithParents(this.chroot || '/')
    await nodes?.attach(ofBroker)
    if (!isWanted()) throw new Error('the endpoint has stopped')
    const unplaced = placeNodes(tree, stored)
    if (unplaced.length > 0) {
      this.#parts.logger.warn(
        { paths: unplaced.slice(0, 10) },
        `${unplaced.length} stored ZooKeeper nodes have no place and are dropped`,
      )
      await store.append(unplaced.map((path) => ({ path, node: null })))
    }
    if (!isWanted()) throw new Error('the endpoint has stopped')
    this.#loaded = loaded
  }
}

const NOWHERE: ClientView = { localAddress: '', localPort: 0 }
/** Caller of changes that no client asked for. */
const NOBODY: Session = {
  id: 0n,
  password: Buffer.alloc(0),
  timeoutMs: 0,
  expiresMs: 0,
  connection: undefined,
  isClosing: false,
}

/** The operation that the broker carries out. */
interface BrokerPart {
  readonly change: BrokerChange
  readonly index: number
  readonly path: string
}

/** Plans all operations. */
function decide(
  plan: Plan,
  ops: readonly WriteOp[],
):
  | (Outcome & { readonly error: ErrorName })
  | { readonly results: readonly OpResult[]; readonly ofBroker: BrokerPart | undefined } {
  const results: OpResult[] = []
  let ofBroker: BrokerPart | undefined
  for (const [index, op] of ops.entries()) {
    const result = plan.add(op)
    if (typeof result === 'string') return { error: result, failedAt: index }
    if (plan.brokerChange !== undefined) ofBroker ??= { change: plan.brokerChange, index, path: result.path }
    results.push(result)
  }
  return { results, ofBroker }
}

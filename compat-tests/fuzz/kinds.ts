import { brokerKinds } from './broker-kinds.ts'
import { decoderKinds } from './decoder-kinds.ts'
import { directoryKind } from './directory-kind.ts'
import type { FuzzKind } from './kind.ts'
import { zooKeeperKind } from './zookeeper-kind.ts'

/** All kinds of fuzzing. */
export const kinds: readonly FuzzKind[] = [...brokerKinds, ...decoderKinds, directoryKind, zooKeeperKind]

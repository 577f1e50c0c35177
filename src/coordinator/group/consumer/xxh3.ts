/**
 * 64-bit XXH3 without a seed: Kafka's hash of a group's topic metadata. Plain BigInt is fast enough: long inputs are
 * rare, and no input is hashed twice on a request's path. Source: the xxHash specification (xxh3.h).
 */
const secret = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248e' +
    'e03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d' +
    '8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc' +
    '8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
)
const PRIME32_1 = 0x9e3779b1n
const PRIME32_2 = 0x85ebca77n
const PRIME32_3 = 0xc2b2ae3dn
const PRIME64_1 = 0x9e3779b185ebca87n
const PRIME64_2 = 0xc2b2ae3d27d4eb4fn
const PRIME64_3 = 0x165667b19e3779f9n
const PRIME64_4 = 0x85ebca77c2b2ae63n
const PRIME64_5 = 0x27d4eb2f165667c5n
const MASK = (1n << 64n) - 1n

const STRIPE_BYTES = 64
const BLOCK_BYTES = 1024
const STRIPES_PER_BLOCK = 16

/** Returns the hash as an unsigned 64-bit number. */
export function xxh3(bytes: Buffer): bigint {
  const { length } = bytes
  if (length === 0) return avalanche64(key(56) ^ key(64))
  if (length <= 3) return hashTo3(bytes)
  if (length <= 8) return hashTo8(bytes)
  if (length <= 16) return hashTo16(bytes)
  if (length <= 128) return hashTo128(bytes)
  return length <= 240 ? hashTo240(bytes) : hashLong(bytes)
}

function hashTo3(bytes: Buffer): bigint {
  const { length } = bytes
  const combined = (bytes[0]! << 16) | (bytes[length >> 1]! << 24) | bytes[length - 1]! | (length << 8)
  const flip = secret.readUInt32LE(0) ^ secret.readUInt32LE(4)
  return avalanche64(BigInt((combined ^ flip) >>> 0))
}

function hashTo8(bytes: Buffer): bigint {
  const length = BigInt(bytes.length)
  const first = BigInt(bytes.readUInt32LE(0))
  const last = BigInt(bytes.readUInt32LE(bytes.length - 4))
  let hash = (last + (first << 32n)) ^ key(8) ^ key(16)
  hash ^= rotate(hash, 49n) ^ rotate(hash, 24n)
  hash = times(hash, 0x9fb21c651e98df25n)
  hash ^= (hash >> 35n) + length
  hash = times(hash, 0x9fb21c651e98df25n)
  return hash ^ (hash >> 28n)
}

function hashTo16(bytes: Buffer): bigint {
  const low = bytes.readBigUInt64LE(0) ^ key(24) ^ key(32)
  const high = bytes.readBigUInt64LE(bytes.length - 8) ^ key(40) ^ key(48)
  return avalanche((BigInt(bytes.length) + swapBytes(low) + high + fold(low, high)) & MASK)
}

function hashTo128(bytes: Buffer): bigint {
  const { length } = bytes
  let sum = BigInt(length) * PRIME64_1
  for (let i = Math.floor((length - 1) / 32); i >= 0; i--) {
    sum += mix(bytes, 16 * i, 32 * i) + mix(bytes, length - 16 * (i + 1), 32 * i + 16)
  }
  return avalanche(sum & MASK)
}

function hashTo240(bytes: Buffer): bigint {
  const { length } = bytes
  const rounds = Math.floor(length / 16)
  let sum = BigInt(length) * PRIME64_1
  for (let i = 0; i < 8; i++) sum += mix(bytes, 16 * i, 16 * i)
  sum = avalanche(sum & MASK)
  for (let i = 8; i < rounds; i++) sum += mix(bytes, 16 * i, 16 * (i - 8) + 3)
  return avalanche((sum + mix(bytes, length - 16, 136 - 17)) & MASK)
}

function hashLong(bytes: Buffer): bigint {
  const { length } = bytes
  const sums = [PRIME32_3, PRIME64_1, PRIME64_2, PRIME64_3, PRIME64_4, PRIME32_2, PRIME64_5, PRIME32_1]
  const blocks = Math.floor((length - 1) / BLOCK_BYTES)
  for (let block = 0; block < blocks; block++) {
    accumulateStripes(sums, bytes, block * BLOCK_BYTES, STRIPES_PER_BLOCK)
    for (let i = 0; i < 8; i++) {
      const sum = sums[i]!
      sums[i] = times(sum ^ (sum >> 47n) ^ key(secret.length - STRIPE_BYTES + 8 * i), PRIME32_1)
    }
  }
  const stripes = Math.floor((length - 1 - blocks * BLOCK_BYTES) / STRIPE_BYTES)
  accumulateStripes(sums, bytes, blocks * BLOCK_BYTES, stripes)
  accumulate(sums, bytes, length - STRIPE_BYTES, secret.length - STRIPE_BYTES - 7)
  let merged = BigInt(length) * PRIME64_1
  for (let i = 0; i < 4; i++) merged += fold(sums[2 * i]! ^ key(11 + 16 * i), sums[2 * i + 1]! ^ key(19 + 16 * i))
  return avalanche(merged & MASK)
}

function accumulateStripes(sums: bigint[], bytes: Buffer, position: number, stripes: number): void {
  for (let stripe = 0; stripe < stripes; stripe++) {
    accumulate(sums, bytes, position + stripe * STRIPE_BYTES, 8 * stripe)
  }
}

function accumulate(sums: bigint[], bytes: Buffer, position: number, secretPosition: number): void {
  for (let i = 0; i < 8; i++) {
    const data = bytes.readBigUInt64LE(position + 8 * i)
    const keyed = data ^ key(secretPosition + 8 * i)
    sums[i ^ 1] = (sums[i ^ 1]! + data) & MASK
    sums[i] = (sums[i]! + (keyed & 0xffffffffn) * (keyed >> 32n)) & MASK
  }
}

function mix(bytes: Buffer, position: number, secretPosition: number): bigint {
  const low = bytes.readBigUInt64LE(position) ^ key(secretPosition)
  return fold(low, bytes.readBigUInt64LE(position + 8) ^ key(secretPosition + 8))
}

function key(position: number): bigint {
  return secret.readBigUInt64LE(position)
}

function times(a: bigint, b: bigint): bigint {
  return (a * b) & MASK
}

/** XOR of the two halves of the 128-bit product. */
function fold(a: bigint, b: bigint): bigint {
  const product = a * b
  return (product & MASK) ^ (product >> 64n)
}

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (64n - bits))) & MASK
}

function swapBytes(value: bigint): bigint {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes.readBigUInt64BE()
}

function avalanche(value: bigint): bigint {
  const hash = times(value ^ (value >> 37n), 0x165667919e3779f9n)
  return hash ^ (hash >> 32n)
}

/** Avalanche of XXH64. */
function avalanche64(value: bigint): bigint {
  let hash = times(value ^ (value >> 33n), PRIME64_2)
  hash = times(hash ^ (hash >> 29n), PRIME64_3)
  return hash ^ (hash >> 32n)
}

import { ByteWriter } from '../../protocol/byte-writer.ts'

/** Position and kind of an encoded part: target of deliberate faults. */
export interface Mark {
  /** 'varint': a length, count or tag. 'size32' and 'size16': lengths of fixed width. 'text': a string with its length. */
  readonly kind: 'varint' | 'size32' | 'size16' | 'text' | 'compactText' | 'noTags'
  start: number
  readonly size: number
}

/** A ByteWriter that records the positions of lengths, strings and empty tagged field sections. */
export class MarkedWriter extends ByteWriter {
  readonly marks: Mark[] = []

  #marked(kind: Mark['kind'], write: () => void): void {
    const start = this.length
    const known = this.marks.length
    write()
    // The length inside a string is not a separate mark.
    this.marks.length = known
    this.marks.push({ kind, start, size: this.length - start })
  }

  override writeUnsignedVarint(value: number): void {
    this.#marked(value === 0 ? 'noTags' : 'varint', () => super.writeUnsignedVarint(value))
  }

  override writeInt8(value: number): void {
    if (value === 0) this.#marked('noTags', () => super.writeInt8(value))
    else super.writeInt8(value)
  }

  override writeString(value: string | null): void {
    this.#marked('text', () => super.writeString(value))
  }

  override writeCompactString(value: string | null): void {
    this.#marked('compactText', () => super.writeCompactString(value))
  }

  override writeBytes(value: Buffer | null): void {
    this.marks.push({ kind: 'size32', start: this.length, size: 4 })
    super.writeBytes(value)
  }

  override writeSlices(value: readonly Buffer[] | null): void {
    this.marks.push({ kind: 'size32', start: this.length, size: 4 })
    super.writeSlices(value)
  }

  override beginArray(length: number, elementBytes: number): number {
    this.marks.push({ kind: 'size32', start: this.length, size: 4 })
    return super.beginArray(length, elementBytes)
  }

  override endTag(start: number): void {
    const before = this.length
    const size = this.position - start
    const known = this.marks.length
    super.endTag(start)
    this.marks.length = known
    const sizeBytes = this.length - before
    const from = before - size
    for (const mark of this.marks) if (mark.start >= from) mark.start += sizeBytes
    this.marks.push({ kind: 'varint', start: from, size: sizeBytes })
  }
}

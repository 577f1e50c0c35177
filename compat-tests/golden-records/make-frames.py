"""Writes frames/: compressed content from the C libraries behind librdkafka and the Python clients, in the variants
that a producer may choose. Needs: pip install lz4 zstandard python-snappy. Run: python3 make-frames.py"""
import gzip
import os
import struct
import zlib

import lz4.frame
import snappy
import zstandard

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'frames')
# The rule is repeated in frames.test.ts.
CONTENT = b''.join(b'line %d of the content, which comes back\n' % (i % 700 * 7919 % 10007) for i in range(8000))


def save(name, data):
    with open(os.path.join(FOLDER, name), 'wb') as file:
        file.write(data)


def lz4_frames():
    sizes = {
        '64k': lz4.frame.BLOCKSIZE_MAX64KB,
        '256k': lz4.frame.BLOCKSIZE_MAX256KB,
        '1m': lz4.frame.BLOCKSIZE_MAX1MB,
        '4m': lz4.frame.BLOCKSIZE_MAX4MB,
    }
    for name, size in sizes.items():
        save(f'{name}.lz4', lz4.frame.compress(CONTENT, block_size=size, block_linked=False, store_size=False))
    options = dict(block_size=sizes['64k'], block_linked=False)
    save('block-checksums.lz4', lz4.frame.compress(CONTENT, block_checksum=True, store_size=False, **options))
    save('content-size.lz4', lz4.frame.compress(CONTENT, store_size=True, **options))
    save('everything.lz4', lz4.frame.compress(
        CONTENT, block_checksum=True, content_checksum=True, store_size=True, compression_level=12, **options))
    save('linked-blocks.refused.lz4', lz4.frame.compress(CONTENT, block_size=sizes['64k'], block_linked=True))


def zstd_frames():
    for level in (-7, 1, 3, 9, 19, 22):
        save(f'level{level}.zst', zstandard.ZstdCompressor(level=level).compress(CONTENT))
    save('checksum.zst', zstandard.ZstdCompressor(write_checksum=True).compress(CONTENT))
    stream = zstandard.ZstdCompressor(level=3).compressobj()
    parts = [stream.compress(CONTENT[start:start + 5000]) for start in range(0, len(CONTENT), 5000)]
    save('no-content-size.zst', b''.join(parts) + stream.flush())
    flushing = zstandard.ZstdCompressor(level=3).compressobj()
    flushed = b''
    for start in range(0, len(CONTENT), 70000):
        flushed += flushing.compress(CONTENT[start:start + 70000]) + flushing.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    save('flushed-blocks.zst', flushed + flushing.flush())
    wide = zstandard.ZstdCompressionParameters.from_level(19, window_log=27, enable_ldm=True)
    save('wide-window.zst', zstandard.ZstdCompressor(compression_params=wide).compress(CONTENT))
    half = len(CONTENT) // 2
    skippable = struct.pack('<II', 0x184D2A53, 5) + b'hello'
    one = zstandard.ZstdCompressor(level=1)
    save('two-frames.zst', one.compress(CONTENT[:half]) + skippable + one.compress(CONTENT[half:]))


def snappy_frames():
    save('raw.snappy', snappy.compress(CONTENT))
    chunks = [snappy.compress(CONTENT[start:start + 32768]) for start in range(0, len(CONTENT), 32768)]
    header = b'\x82SNAPPY\x00' + struct.pack('>ii', 1, 1)
    framed = b''.join(struct.pack('>i', len(chunk)) + chunk for chunk in chunks)
    save('xerial.snappy', header + framed)
    half = len(chunks) // 2
    parts = [b''.join(struct.pack('>i', len(chunk)) + chunk for chunk in part) for part in (chunks[:half], chunks[half:])]
    save('xerial-twice.snappy', header + parts[0] + header + parts[1])


def gzip_frames():
    save('level9.gz', gzip.compress(CONTENT, 9, mtime=1))
    half = len(CONTENT) // 2
    save('two-members.gz', gzip.compress(CONTENT[:half], mtime=1) + gzip.compress(CONTENT[half:], mtime=1))
    fixed = zlib.compressobj(6, zlib.DEFLATED, 31, 9, zlib.Z_FIXED)
    save('fixed-codes.gz', fixed.compress(CONTENT) + fixed.flush())


os.makedirs(FOLDER, exist_ok=True)
lz4_frames()
zstd_frames()
snappy_frames()
gzip_frames()

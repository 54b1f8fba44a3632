import CZlib

/// Compression in the gzip format (RFC 1952), by zlib.
enum Gzip {
    /// Compresses bytes; nil if there was no memory for it.
    static func compress(_ bytes: [UInt8]) -> [UInt8]? {
        var stream = z_stream()
        guard czlib_gzip_begin(&stream) == Z_OK else { return nil }
        defer { deflateEnd(&stream) }
        var input = bytes
        return input.withUnsafeMutableBufferPointer { source in
            let room = Int(deflateBound(&stream, uLong(source.count)))
            var end: Int32 = Z_STREAM_ERROR
            let packed = [UInt8](unsafeUninitializedCapacity: room) { target, count in
                stream.next_in = source.baseAddress
                stream.avail_in = uInt(source.count)
                stream.next_out = target.baseAddress
                stream.avail_out = uInt(room)
                end = deflate(&stream, Z_FINISH)
                count = room - Int(stream.avail_out)
            }
            return end == Z_STREAM_END ? packed : nil
        }
    }
}

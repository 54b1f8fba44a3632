import Glibc

/// Marks the body that each consumer is reading, in a file that outlives a crash of the process.
///
/// A body that crashes the parser would come again after each start, and with it every message that the broker had sent
/// ahead, until the broker gave up on all of them. So a body that was being read when the process ended, twice in a
/// row, is rejected without being read. Once is not enough, since an innocent body may be under way when the process is
/// killed.
///
/// An example: body B ends the process. The broker sends B again, the process reads it and ends again. At the third
/// start the file holds B's fingerprint from the last two ends, so B is a suspect. Intake records it as rejected,
/// acknowledges it, and goes on with the hundreds of messages behind it.
///
/// The file is mapped into memory, so a mark costs two stores. They survive the end of the process. They may not
/// survive a power cut, but a power cut is no fault of a body.
package struct ReadingMark: Sendable {
    /// The fingerprint of a body: the FNV-1a hash of its 8-byte words, and its size in bytes.
    struct Fingerprint: Hashable, Sendable {
        let hash: UInt64
        let count: UInt64

        init(_ body: [UInt8]) {
            hash = body.withUnsafeBytes { bytes in
                var hash: UInt64 = 0xcbf2_9ce4_8422_2325
                let words = bytes.count & ~7
                for place in stride(from: 0, to: words, by: 8) {
                    hash = (hash ^ bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)) &* 0x100_0000_01b3
                }
                for byte in bytes[words...] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
                return hash
            }
            count = UInt64(body.count)
        }

        fileprivate init(hash: UInt64, count: UInt64) { (self.hash, self.count) = (hash, count) }
    }

    /// The number of slots, which is more than there are consumers.
    private static let slots = 8
    /// The size of the file in bytes: the marks and, behind them, the marks found at the last start; two numbers each.
    private static let size = slots * 2 * 16

    private let descriptor: Int32
    /// Safe to share: each consumer writes only to its own slot, and `init` writes everything else.
    private nonisolated(unsafe) let places: UnsafeMutableBufferPointer<UInt64>
    private let suspects: Set<Fingerprint>

    /// Opens the file or creates it. If another worker holds it, the file with the next number is used. Nil if none can
    /// be written: bodies are then read without a mark.
    package init?(path: String) {
        for path in [path] + (2...16).map({ "\(path).\($0)" }) {
            let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard file >= 0 else { return nil }
            if flock(file, LOCK_EX | LOCK_NB) == 0 {
                // The blocks are allocated now, since on a full disk the first mark would end the process.
                guard posix_fallocate(file, 0, off_t(Self.size)) == 0,
                    let start = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), start != MAP_FAILED
                else {
                    Glibc.close(file)
                    return nil
                }
                self.init(descriptor: file, start: start)
                return
            }
            Glibc.close(file)
        }
        return nil
    }

    private init(descriptor: Int32, start: UnsafeMutableRawPointer) {
        self.descriptor = descriptor
        let numbers = start.bindMemory(to: UInt64.self, capacity: Self.slots * 4)
        places = UnsafeMutableBufferPointer(start: numbers, count: Self.slots * 4)
        let marks = stride(from: 0, to: places.count, by: 2).map { [places] in
            Fingerprint(hash: places[$0], count: places[$0 + 1])
        }
        let left = marks.prefix(Self.slots)
        suspects = Set(left).intersection(marks.dropFirst(Self.slots)).subtracting([Self.none])
        for (index, mark) in left.enumerated() {
            write(mark, Self.slots + index)
            write(Self.none, index)
        }
    }

    private static let none = Fingerprint(hash: 0, count: 0)

    /// Unmaps the file, as the end of the process does. Nothing may be marked after it.
    func close() {
        munmap(places.baseAddress, Self.size)
        Glibc.close(descriptor)
    }

    /// Whether the process ended twice in a row while this body was read.
    func isSuspect(_ fingerprint: Fingerprint) -> Bool { suspects.contains(fingerprint) }

    /// Marks the body that the consumer `slot` reads now.
    func enter(_ fingerprint: Fingerprint, slot: Int) { write(fingerprint, slot) }

    /// Clears the mark of the consumer `slot`.
    func leave(slot: Int) { write(Self.none, slot) }

    private func write(_ mark: Fingerprint, _ slot: Int) {
        places[slot * 2] = mark.hash
        places[slot * 2 + 1] = mark.count
    }
}

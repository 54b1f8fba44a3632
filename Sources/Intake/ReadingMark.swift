import Glibc

/// Notes which body each consumer is reading, where a crash of the process leaves it standing.
///
/// A body that ends the process would come again with each start, and with it every message that the
/// broker had sent ahead, until the broker gave all of them up. So one that was being read when the process
/// ended, twice in a row, is refused without being read. Once is not enough: a good one may be under way
/// when the process is killed.
///
/// The file is mapped, so that a mark is a store to memory: it outlives the process, which is what matters,
/// and a power cut is no fault of a body.
package struct ReadingMark: Sendable {
    /// A body as far as this file knows it: FNV-1a of its words of eight bytes, and how many bytes there are.
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

    /// More than there are consumers.
    private static let slots = 8
    /// The marks, and behind them what was left of them at the last start; two numbers each.
    private static let size = slots * 2 * 16

    private let descriptor: Int32
    /// Safe to share: each consumer writes to its own slot only, and all else is written by `init`.
    private nonisolated(unsafe) let places: UnsafeMutableBufferPointer<UInt64>
    private let suspects: Set<Fingerprint>

    /// Opens the file, or makes it; where another worker has it, one of the next number. Nil if none can be
    /// written: bodies are then read without a mark.
    package init?(path: String) {
        for path in [path] + (2...16).map({ "\(path).\($0)" }) {
            let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard file >= 0 else { return nil }
            if flock(file, LOCK_EX | LOCK_NB) == 0 {
                // Its blocks are taken now: a full disk would end the process at the first mark.
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

    /// As the end of the process does; nothing may be marked after it.
    func close() {
        munmap(places.baseAddress, Self.size)
        Glibc.close(descriptor)
    }

    /// Whether the process ended twice in a row while this body was read.
    func isSuspect(_ fingerprint: Fingerprint) -> Bool { suspects.contains(fingerprint) }

    /// What the consumer `slot` reads now.
    func enter(_ fingerprint: Fingerprint, slot: Int) { write(fingerprint, slot) }

    /// The consumer `slot` reads nothing.
    func leave(slot: Int) { write(Self.none, slot) }

    private func write(_ mark: Fingerprint, _ slot: Int) {
        places[slot * 2] = mark.hash
        places[slot * 2 + 1] = mark.count
    }
}

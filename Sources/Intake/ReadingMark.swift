import Foundation
import Glibc

/// Notes which body each consumer is reading, where a crash of the process leaves it standing.
///
/// A body that ends the process would come again with each start, and with it every message that the
/// broker had sent ahead, until the broker gave all of them up. So one that was being read when the process
/// ended, twice in a row, is refused without being read. Once is not enough: a good one may be under way
/// when the process is killed.
///
/// The file is written without a sync: it outlives the process, which is what matters, and a power cut is
/// no fault of a body.
package struct ReadingMark: Sendable {
    /// A body as far as this file knows it: FNV-1a of its bytes, and how many there are.
    struct Fingerprint: Hashable, Sendable {
        let hash: UInt64
        let count: UInt64

        init(_ body: [UInt8]) {
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in body { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            self.hash = hash
            count = UInt64(body.count)
        }

        fileprivate init?(_ bytes: ArraySlice<UInt8>) {
            func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
            hash = number(bytes.prefix(8))
            count = number(bytes.dropFirst(8).prefix(8))
            if hash == 0 && count == 0 { return nil }
        }

        fileprivate var bytes: [UInt8] {
            [hash, count].flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) } }
        }
    }

    private static let size = 16
    /// More than there are consumers.
    private static let slots = 8

    private let descriptor: Int32
    private let suspects: Set<Fingerprint>

    /// Opens the file, or makes it; where another worker has it, one of the next number. Nil if none can be
    /// written: bodies are then read without a mark.
    package init?(path: String) {
        for path in [path] + (2...16).map({ "\(path).\($0)" }) {
            let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            guard file >= 0 else { return nil }
            if flock(file, LOCK_EX | LOCK_NB) == 0 {
                self.init(path: path, descriptor: file)
                return
            }
            Glibc.close(file)
        }
        return nil
    }

    private init(path: String, descriptor: Int32) {
        self.descriptor = descriptor
        let bytes = [UInt8](FileManager.default.contents(atPath: path) ?? Data())
        let places = stride(from: 0, to: bytes.count, by: Self.size).map {
            Fingerprint(bytes[$0..<min($0 + Self.size, bytes.count)])
        }
        let left = places.prefix(Self.slots).compactMap(\.self)
        suspects = Set(left).intersection(places.dropFirst(Self.slots).compactMap(\.self))
        // Behind the slots: what was left at the last start.
        ftruncate(descriptor, 0)
        for (index, fingerprint) in left.enumerated() { write(fingerprint.bytes, Self.slots + index) }
    }

    /// As the end of the process does.
    func close() { Glibc.close(descriptor) }

    /// Whether the process ended twice in a row while this body was read.
    func isSuspect(_ fingerprint: Fingerprint) -> Bool { suspects.contains(fingerprint) }

    /// What the consumer `slot` reads now.
    func enter(_ fingerprint: Fingerprint, slot: Int) { write(fingerprint.bytes, slot) }

    /// The consumer `slot` reads nothing.
    func leave(slot: Int) { write([UInt8](repeating: 0, count: Self.size), slot) }

    /// A mark that could not be written is one that is missing, and no reason to stop.
    private func write(_ bytes: [UInt8], _ slot: Int) { _ = pwrite(descriptor, bytes, bytes.count, slot * Self.size) }
}

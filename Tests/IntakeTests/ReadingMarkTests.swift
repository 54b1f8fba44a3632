import Foundation
import Testing

@testable import Intake

/// A body that was being read at two ends of the process in a row is a suspect.
struct ReadingMarkTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "reading-\(UUID().uuidString)").path
    private func fingerprint(_ text: String) -> ReadingMark.Fingerprint { ReadingMark.Fingerprint(Array(text.utf8)) }

    @Test func whatWasReadAtTwoEndsInARowIsSuspect() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try #require(ReadingMark(path: path))
        first.enter(fingerprint("baik"), slot: 0)
        first.leave(slot: 0)
        first.enter(fingerprint("a"), slot: 0)
        first.enter(fingerprint("b"), slot: 2)
        #expect(!first.isSuspect(fingerprint("a")))
        first.close()
        let second = try #require(ReadingMark(path: path))
        #expect(!second.isSuspect(fingerprint("a")) && !second.isSuspect(fingerprint("b")))
        second.enter(fingerprint("a"), slot: 1)
        second.close()
        let third = try #require(ReadingMark(path: path))
        third.close()
        #expect(third.isSuspect(fingerprint("a")) && !third.isSuspect(fingerprint("b")))
        #expect(!third.isSuspect(fingerprint("baik")) && !third.isSuspect(fingerprint("")))
        #expect(try !#require(ReadingMark(path: path)).isSuspect(fingerprint("a")))
    }

    @Test func anotherWorkersMarkIsItsOwn() throws {
        defer { for suffix in ["", ".2"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
        let first = try #require(ReadingMark(path: path))
        first.enter(fingerprint("a"), slot: 0)
        let other = try #require(ReadingMark(path: path))
        #expect(!other.isSuspect(fingerprint("a")))
    }

    @Test func aFolderThatIsNotThereIsNoMark() {
        #expect(ReadingMark(path: "/tiada/sama/sekali") == nil)
    }
}

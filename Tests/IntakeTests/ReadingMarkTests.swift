import Foundation
import Testing

@testable import Intake

struct ReadingMarkTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "reading-\(UUID().uuidString)").path
    private func fingerprint(_ text: String) -> ReadingMark.Fingerprint { ReadingMark.Fingerprint(Array(text.utf8)) }

    @Test func whatWasReadAtTheEndIsKnownAtTheNextStart() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try #require(ReadingMark(path: path))
        first.enter(fingerprint("baik"), slot: 0)
        first.leave(slot: 0)
        first.enter(fingerprint("a"), slot: 0)
        first.enter(fingerprint("b"), slot: 2)
        #expect(!first.isSuspect(fingerprint("a")))
        first.close()
        let second = try #require(ReadingMark(path: path))
        second.close()
        #expect(second.isSuspect(fingerprint("a")) && second.isSuspect(fingerprint("b")))
        #expect(!second.isSuspect(fingerprint("baik")) && !second.isSuspect(fingerprint("")))
        let third = try #require(ReadingMark(path: path))
        #expect(!third.isSuspect(fingerprint("a")))
    }

    @Test func anotherWorkersMarkIsItsOwn() throws {
        defer { for suffix in ["", ".2"] { try? FileManager.default.removeItem(atPath: path + suffix) } }
        let first = try #require(ReadingMark(path: path))
        first.enter(fingerprint("a"), slot: 0)
        let other = try #require(ReadingMark(path: path))
        #expect(!other.isSuspect(fingerprint("a")))
        first.close()
        #expect(try #require(ReadingMark(path: path)).isSuspect(fingerprint("a")))
    }

    @Test func aFolderThatIsNotThereIsNoMark() {
        #expect(ReadingMark(path: "/tiada/sama/sekali") == nil)
    }
}

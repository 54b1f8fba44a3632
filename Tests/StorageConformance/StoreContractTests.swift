import Foundation
import Storage
import Synchronization
import Testing

/// Holds the suite to the page that a new store is written from: it exercises every requirement of `Store.swift`.
struct StoreContractTests {
    /// A requirement or a call: a name with its argument labels, as Swift writes it. A property has no labels.
    private struct Signature: Hashable, CustomStringConvertible {
        let name: String
        let labels: [String]?

        var description: String { labels.map { "\(name)(\($0.map { "\($0):" }.joined()))" } ?? name }
    }

    private static let tests = URL(filePath: #filePath).deletingLastPathComponent()
    private static let contract = tests.deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Sources/Storage/Store.swift")

    @Test func everyRequirementIsExercised() throws {
        let required = try Self.requirements()
        #expect(required.count > 70, "the page was not understood")
        let exercised = try Self.exercised()
        for signature in required where !exercised.contains(signature) {
            Issue.record("no conformance test calls \(signature)")
        }
    }

    /// A store that watches itself passes its own check, and tells a trouble and its end once each.
    @Test(arguments: Backend.allCases)
    func aWatchedStoreTellsItsTroubles(backend: Backend) async throws {
        let test = try backend.make()
        guard let store = test.store as? any WatchedStore else { return }
        try await store.check()
        let heard = Mutex<[String]>([])
        store.watch.observe { event in
            switch event {
            case .trouble(let text): heard.withLock { $0.append(text) }
            case .over: heard.withLock { $0.append("over") }
            }
        }
        store.watch.fail("the disk is full")
        store.watch.fail("the disk is full")
        _ = try await test.accept("b")
        #expect(heard.withLock { $0 } == ["the disk is full", "over"])
        #expect(store.logSize > 0, "a transaction was just written")
    }

    private static func requirements() throws -> [Signature] {
        let lines = try String(contentsOf: contract, encoding: .utf8).split(separator: "\n")
        let page = lines.filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(separator: "\n")
        let functions = page.matches(of: #/func (\w+)(?=\()/#).map { match in
            Signature(
                name: String(match.1),
                labels: parts(after: match.range.upperBound, of: page).map {
                    String($0.prefix { $0 != " " && $0 != ":" })
                })
        }
        return functions + page.matches(of: #/var (\w+): /#).map { Signature(name: String($0.1), labels: nil) }
    }

    /// The calls and properties that the suite uses. The plans of statements are no behaviour, so their test does not count.
    private static func exercised() throws -> Set<Signature> {
        var found: Set<Signature> = []
        for file in try FileManager.default.contentsOfDirectory(at: tests, includingPropertiesForKeys: nil)
        where file.pathExtension == "swift" && file.lastPathComponent != "QueryPlanTests.swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /\.(\w+)(?=\()/) {
                let labels = parts(after: match.range.upperBound, of: text).map { part in
                    part.prefixMatch(of: /(\w+):/).map { String($0.1) } ?? "_"
                }
                found.insert(Signature(name: String(match.1), labels: labels))
            }
            for match in text.matches(of: /\.(\w+)/) { found.insert(Signature(name: String(match.1), labels: nil)) }
        }
        return found
    }

    /// The arguments of the parenthesis at this index, at its own level.
    private static func parts(after start: String.Index, of text: String) -> [String] {
        var (parts, depth) = ([""], 0)
        for character in text[start...] {
            if "([{".contains(character) { depth += 1 }
            if ")]}".contains(character) { depth -= 1 }
            if depth == 0 { break }
            if character == ",", depth == 1 { parts.append("") } else { parts[parts.count - 1].append(character) }
        }
        parts[0].removeFirst()
        return parts.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }.filter { !$0.isEmpty }
    }
}

import Foundation
import Storage
import Testing

@testable import Email

/// Reads the reports in Tests/Fixtures/bounces, with several line ends.
@Suite struct BounceCorpusTests {
    struct Expected: Decodable, Sendable {
        let file: String
        let kind: String
        let status: String?
        let suppressed: Bool
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures/bounces")
    static let corpus =
        (try? JSONDecoder().decode([Expected].self, from: Data(contentsOf: folder.appending(path: "expected.json"))))
        ?? []

    @Test func theCorpusIsThere() { #expect(Self.corpus.count > 80) }

    @Test(arguments: corpus.filter { $0.kind != "any" }.map(\.file), ["\n", "\r\n", "\r"])
    func isReadAsExpected(_ file: String, _ lineEnd: String) throws {
        let expected = try #require(Self.corpus.first { $0.file == file })
        let status =
            "Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; warga@w.example\nAction: failed\nStatus: 5.1.1\n"
        let template = String(decoding: try Data(contentsOf: Self.folder.appending(path: file)), as: UTF8.self)
        let text = template.replacing("\r\n", with: "\n").replacing("@RECIPIENT@", with: "warga@w.example")
            .replacing("@BASE64_REPORT@", with: Data(status.utf8).base64EncodedString())
        // These files contain bare CRs on purpose.
        let lineEnd = file.hasPrefix("hostile") ? "\n" : lineEnd
        let bounce = BounceReader(Array(text.replacing("\n", with: lineEnd).utf8)).bounce(of: "warga@w.example")
        #expect((bounce?.kind.rawValue ?? "nothing") == expected.kind || (bounce == nil && expected.kind == "delayed"))
        #expect((bounce?.suppresses ?? false) == expected.suppressed)
        if expected.kind == "failed" { #expect(bounce?.status == expected.status) }
    }
}

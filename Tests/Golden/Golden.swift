package import Foundation
package import Testing

/// Files of the project whose text the tests generate: pages of the docs, mails, feeds, the schema, the metrics.
///
/// A test compares the file with the generated text. `make golden` rewrites the files instead
/// (`KENTONGAN_TEST_GOLDEN=write`), and the diff shows the effect of a change on each of them.
package enum Golden {
    /// The folder of the project.
    package static let project = URL(filePath: #filePath).appending(path: "../../..").standardized

    private static let isWriting = ProcessInfo.processInfo.environment["KENTONGAN_TEST_GOLDEN"] == "write"

    /// Expects that the file at `path` in the project is exactly `text`.
    package static func expect(
        _ text: String, at path: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let file = project.appending(path: path)
        if isWriting {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            return try Data(text.utf8).write(to: file)
        }
        let known = try? String(contentsOf: file, encoding: .utf8)
        #expect(known == text, "\(path) is not what the program generates; make golden", sourceLocation: sourceLocation)
    }

    /// Expects that the part of a file between the lines `<!-- begin NAME -->` and `<!-- end NAME -->` is exactly
    /// `text`.
    package static func expect(
        _ text: String, part name: String, of path: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let page = try String(contentsOf: project.appending(path: path), encoding: .utf8)
        let (begin, end) = ("<!-- begin \(name) -->\n", "<!-- end \(name) -->\n")
        let start = try #require(page.range(of: begin)?.upperBound, sourceLocation: sourceLocation)
        let stop = try #require(page.range(of: end)?.lowerBound, sourceLocation: sourceLocation)
        try expect(String(page[..<start]) + text + page[stop...], at: path, sourceLocation: sourceLocation)
    }
}

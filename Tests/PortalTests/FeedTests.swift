import Bulletins
import Foundation
import Hummingbird
import Testing

@testable import Portal

struct FeedAddressTests {
    @Test(arguments: [
        ("ID.rss", "/feeds/ID.rss"), ("73.71.atom", "/feeds/73.71.atom"),
        ("73.71/kesehatan.stunting.json", "/feeds/73.71/kesehatan.stunting.json"),
        ("publishers/desa.35.07.26.2003.rss", "/feeds/publishers/desa.35.07.26.2003.rss"),
    ])
    func isReadAndWritten(path: String, written: String) {
        #expect(FeedAddress(path: path)?.path == written)
    }

    @Test(arguments: [
        "", "rss", ".rss", "7371.rss", "73.71", "73.71.pdf", "73.71/a/b.rss", "s/pendek.rss", "publishers/.rss",
    ])
    func anythingElseIsNone(path: String) {
        #expect(FeedAddress(path: path) == nil)
    }

    @Test func aTokensFeedIsPrivate() {
        let token = Token.text([UInt8](repeating: 251, count: 32))
        #expect(FeedAddress(path: "s/\(token).rss")?.isPrivate == true)
        #expect(FeedAddress(path: "ID.rss")?.isPrivate == false)
    }
}

struct GzipTests {
    @Test(arguments: [0, 1, 100_000])
    func isReadByOthers(count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 / 7) }
        let packed = try #require(Gzip.compress(bytes))
        let folder = FileManager.default.temporaryDirectory.appending(path: "gzip-\(UUID().uuidString)")
        try Data(packed).write(to: folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        let gzip = Process()
        let output = Pipe()
        gzip.executableURL = URL(filePath: "/bin/gzip")
        gzip.arguments = ["-dc"]
        gzip.standardInput = try FileHandle(forReadingFrom: folder)
        gzip.standardOutput = output
        try gzip.run()
        let unpacked = output.fileHandleForReading.readDataToEndOfFile()
        gzip.waitUntilExit()
        #expect(gzip.terminationStatus == 0)
        #expect([UInt8](unpacked) == bytes)
    }
}

struct FeedResponseTests {
    private let feed = RenderedFeed(
        plain: ByteBuffer(string: "isi"), gzipped: ByteBuffer(string: "padat"), digest: "d",
        lastModified: Timestamp(milliseconds: 1_800_000_000_000))

    private func answer(_ headers: HTTPFields, _ feed: RenderedFeed) throws -> Response {
        let request = Request(
            head: .init(method: .get, scheme: "http", authority: "x", path: "/feeds/ID.rss", headerFields: headers),
            body: .init(buffer: ByteBuffer()))
        return FeedResponse.response(
            to: request, feed, try #require(FeedAddress(path: "ID.rss")),
            PortalSettings(host: "127.0.0.1", port: 0, publicURL: "http://x.example"))
    }

    @Test(
        arguments: [("gzip", "gzip"), ("br, GZIP;q=0.5", "gzip"), ("gzip;q=0", nil), ("br", nil)] as [(String, String?)]
    )
    func gzipIsForWhoTakesIt(accepted: String, encoding: String?) throws {
        let answer = try answer([.acceptEncoding: accepted], feed)
        #expect(answer.headers[.contentEncoding] == encoding)
        #expect(answer.headers[.eTag] == (encoding == nil ? "\"d\"" : "\"d-gzip\""))
    }

    @Test(arguments: [
        ("\"d\"", true), ("W/\"d\"", true), ("\"x\", \"d\"", true), ("*", true), ("\"x\"", false), ("d", false),
    ])
    func whatTheClientHasIsNotSentAgain(tags: String, isKnown: Bool) throws {
        let answer = try answer([.ifNoneMatch: tags], feed)
        #expect(answer.status == (isKnown ? .notModified : .ok))
    }

    /// RFC 9110 section 13.1.3.
    @Test func theTagWinsOverTheTime() throws {
        let date = feed.lastModified.httpDate
        #expect(try answer([.ifModifiedSince: date], feed).status == .notModified)
        #expect(try answer([.ifModifiedSince: date, .ifNoneMatch: "\"x\""], feed).status == .ok)
    }
}

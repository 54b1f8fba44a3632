import Bulletins
import Foundation
import HTTPTypes
import NIOCore
import Testing

@testable import Feeds

/// Other programs can read the compressed form.
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

/// Answers follow the conditional headers and encodings of a request.
struct RenderedFeedTests {
    private let feed = RenderedFeed(
        "isi", headers: [.contentType: "text/plain"], lastModified: Timestamp(milliseconds: 1_800_000_000_000))

    @Test(
        arguments: [
            ("gzip", true), ("br, GZIP;q=0.5", true), ("gzip;q=0", false), ("gzip; Q=0.000", false), ("br", false),
            ("gzip;q=0.001", true), ("gzip, deflate, br", true), ("xgzip", false), ("", false), ("*", true),
            ("*;q=0", false),
            ("gzip;q=0, *", false), ("br, *;q=0.1", true), ("x-gzip", true), ("identity, *;q=0", false),
        ])
    func gzipIsForWhoTakesIt(accepted: String, isTaken: Bool) {
        let (form, _) = feed.answer(to: [.acceptEncoding: accepted])
        #expect(form.headers[.contentEncoding] == (isTaken ? "gzip" : nil))
        #expect((form.etag == feed.plain.etag) == !isTaken)
        #expect(form.headers[.contentLength] == "\(form.body.readableBytes)")
    }

    @Test func whatTheClientHasIsNotSentAgain() {
        let tag = feed.plain.etag
        for (tags, isKnown) in [
            (tag, true), ("W/\(tag)", true), ("\"x\", \(tag)", true), ("\"x\" ,W/\(tag) ", true), ("*", true),
            ("\"x\"", false), (String(tag.dropFirst().dropLast()), false), ("", false),
        ] {
            #expect(feed.answer(to: [.ifNoneMatch: tags]).isKnown == isKnown, "\(tags)")
        }
    }

    /// `If-None-Match` takes precedence over `If-Modified-Since` (RFC 9110, section 13.1.3).
    @Test func theTagWinsOverTheTime() {
        let date = feed.lastModified.httpDate
        #expect(feed.answer(to: [.ifModifiedSince: date]).isKnown)
        #expect(!feed.answer(to: [.ifModifiedSince: date, .ifNoneMatch: "\"x\""]).isKnown)
        #expect(!feed.answer(to: [.ifModifiedSince: "Thu, 01 Jan 1970 00:00:00 GMT"]).isKnown)
    }

    /// Dates come in the three formats of RFC 9110, section 5.6.7, and count as section 13.1.3 says.
    @Test(
        arguments: [
            ("Fri, 15 Jan 2027 08:00:00 GMT", true), ("Sat, 16 Jan 2027 08:00:00 GMT", true),
            ("Fri, 15 Jan 2027 07:59:59 GMT", false), ("Friday, 15-Jan-27 08:00:01 GMT", true),
            ("Friday, 15-Jan-27 07:59:59 GMT", false), ("Fri Jan 15 08:00:00 2027", true),
            ("2027-01-16T08:00:00Z", false), ("tomorrow", false), ("", false),
        ])
    func aLaterTimeThanTheFeedsIsKnown(date: String, isKnown: Bool) {
        #expect(feed.answer(to: [.ifModifiedSince: date]).isKnown == isKnown)
    }

    /// An answer 304 repeats the headers that RFC 9110, section 15.4.5 names.
    @Test func whatIsKnownSaysWhatMatters() {
        for name in [HTTPField.Name.eTag, .vary, .lastModified] {
            #expect(feed.plain.headersIfKnown[name] == feed.plain.headers[name] && feed.plain.headers[name] != nil)
        }
        #expect(feed.plain.headersIfKnown[.contentLength] == nil)
    }

    @Test func aFeedThatNeverChangedHasNoTime() {
        let empty = RenderedFeed("", headers: [:], lastModified: Timestamp(milliseconds: 0))
        #expect(empty.plain.headers[.lastModified] == nil)
        #expect(!empty.answer(to: [.ifModifiedSince: Timestamp(milliseconds: 0).httpDate]).isKnown)
    }
}

/// The cache keeps the feeds that are asked for, within its bytes.
struct FeedCacheTests {
    private func entry(_ size: Int) -> FeedCache.Entry {
        FeedCache.Entry(
            page: FeedPage(entries: []),
            feed: RenderedFeed(
                // Random text, which does not compress.
                String(decoding: (0..<size).map { _ in UInt8.random(in: 0x21...0x7E) }, as: UTF8.self), headers: [:],
                lastModified: Timestamp(milliseconds: 0)), generation: 1)
    }

    @Test func whatIsAskedForStays() {
        let cache = FeedCache(sizeLimit: 200_000)
        for number in 0..<100 {
            cache.put(entry(5000), at: "\(number)")
            #expect(cache["0"] != nil)
        }
        let kept = (0..<100).count { cache["\($0)"] != nil }
        #expect((8...20).contains(kept) && cache["99"] != nil && cache["1"] == nil)
    }

    @Test func oneThatIsTooLargeIsNotKept() {
        let cache = FeedCache(sizeLimit: 20_000)
        cache.put(entry(5000), at: "a")
        cache.put(entry(50_000), at: "b")
        #expect(cache["a"] != nil && cache["b"] == nil)
        cache.put(nil, at: "a")
        #expect(cache["a"] == nil)
    }
}

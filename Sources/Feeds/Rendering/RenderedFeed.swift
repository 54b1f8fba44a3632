import Bulletins
import Crypto
package import HTTPTypes
package import NIOCore

/// What is answered, and the headers for it; made once for all who ask.
package struct RenderedForm: Sendable {
    package let body: ByteBuffer
    package let etag: String
    /// Of an answer 200.
    package let headers: HTTPFields
    /// Of an answer 304 (RFC 9110, section 15.4.5).
    package let headersIfKnown: HTTPFields
    /// The same as they go over the wire, but for the last line, which is the date.
    package let head: ByteBuffer
    package let headIfKnown: ByteBuffer

    fileprivate init(body: ByteBuffer, etag: String, headers: HTTPFields, headersIfKnown: HTTPFields) {
        (self.body, self.etag, self.headers, self.headersIfKnown) = (body, etag, headers, headersIfKnown)
        head = Self.head("200 OK", headers)
        headIfKnown = Self.head("304 Not Modified", headersIfKnown)
    }

    /// What is no header's value `HTTPField` does not take.
    private static func head(_ status: String, _ headers: HTTPFields) -> ByteBuffer {
        let lines = headers.map { "\($0.name.rawName): \($0.value)\r\n" }.joined()
        return ByteBuffer(string: "HTTP/1.1 \(status)\r\n\(lines)Server: \(FeedHeaders.server)\r\n")
    }
}

/// A feed or an alert as it is answered, in a form for each encoding, each with a strong validator of its own (RFC
/// 9110, section 8.8.3.3).
package struct RenderedFeed: Sendable {
    package let plain: RenderedForm
    let gzipped: RenderedForm?
    let lastModified: Timestamp
    private let lastModifiedText: String?

    /// `headers` are those that both forms share. Without a `lastModified` after 1970 there is no such header.
    init(_ text: String, headers: HTTPFields, lastModified: Timestamp) {
        self.lastModified = lastModified
        let bytes = Array(text.utf8)
        let digest = Token.text(Array(SHA256.hash(data: bytes).prefix(12)))
        lastModifiedText = lastModified.milliseconds > 0 ? lastModified.httpDate : nil
        var shared = headers
        shared[.vary] = "Accept-Encoding"
        shared[.xContentTypeOptions] = "nosniff"
        shared[.lastModified] = lastModifiedText
        func form(_ bytes: [UInt8], etag: String, encoding: String?) -> RenderedForm {
            var known = shared
            known[.eTag] = etag
            var full = known
            full[.contentEncoding] = encoding
            full[.contentLength] = String(bytes.count)
            known[.contentType] = nil
            return RenderedForm(body: ByteBuffer(bytes: bytes), etag: etag, headers: full, headersIfKnown: known)
        }
        plain = form(bytes, etag: "\"\(digest)\"", encoding: nil)
        gzipped = Gzip.compress(bytes).map { form($0, etag: "\"\(digest)-gzip\"", encoding: "gzip") }
    }

    /// About what it takes of memory, in bytes.
    var size: Int { plain.body.readableBytes + (gzipped?.body.readableBytes ?? 0) + 4096 }

    /// The form for a request, and whether the client has it already: `If-None-Match` wins (RFC 9110, section 13.2.2).
    package func answer(acceptEncoding: String?, ifNoneMatch: String?, ifModifiedSince: String?)
        -> (form: RenderedForm, isKnown: Bool)
    {
        let form = gzipped.flatMap { AcceptEncoding.takesGzip(acceptEncoding) ? $0 : nil } ?? plain
        if let ifNoneMatch { return (form, Self.matches(ifNoneMatch, form.etag)) }
        return (form, ifModifiedSince.map(isUnchanged(since:)) ?? false)
    }

    /// Whether a client that had the feed at this time has it still (RFC 9110, section 13.1.3). Clients send a time of
    /// their own as well as the one that they were given, and a value that is no date counts as absent.
    private func isUnchanged(since text: String) -> Bool {
        guard let lastModifiedText else { return false }
        if text == lastModifiedText { return true }
        return HTTPDate.parse(text, now: lastModified).map { $0.seconds >= lastModified.seconds } ?? false
    }

    package func answer(to headers: HTTPFields) -> (form: RenderedForm, isKnown: Bool) {
        answer(
            acceptEncoding: headers[.acceptEncoding], ifNoneMatch: headers[.ifNoneMatch],
            ifModifiedSince: headers[.ifModifiedSince])
    }

    /// A weak comparison (RFC 9110, section 13.1.2).
    private static func matches(_ tags: String, _ etag: String) -> Bool {
        tags == etag
            || tags.utf8.split(separator: UInt8(ascii: ",")).contains { tag in
                let tag = tag.drop { $0 == UInt8(ascii: " ") }.reversed().drop { $0 == UInt8(ascii: " ") }.reversed()
                return tag.elementsEqual("*".utf8)
                    || (tag.starts(with: "W/".utf8) ? tag.dropFirst(2) : tag[...]).elementsEqual(etag.utf8)
            }
    }
}

/// RFC 9110, section 12.5.3.
enum AcceptEncoding {
    /// Whether gzip is named, or else `*`, and not with a weight of 0.
    static func takesGzip(_ header: String?) -> Bool {
        guard let header else { return false }
        return takes("gzip", header) ?? takes("x-gzip", header) ?? takes("*", header) ?? false
    }

    /// Whether the header allows the coding; nil if the header does not name it.
    private static func takes(_ coding: String, _ header: String) -> Bool? {
        for part in header.utf8.split(separator: UInt8(ascii: ",")) {
            let words = part.split(separator: UInt8(ascii: ";")).map { word in
                word.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }.map { $0 | 0x20 }
            }
            // The bit 20 makes letters small; `*` and `-` have it already.
            guard words.first?.elementsEqual(coding.utf8) == true else { continue }
            return !words.dropFirst().contains(where: isZero)
        }
        return nil
    }

    /// `q=0` with any number of zeros behind a point; the point is 2E, of which the bit 20 is set as it is of digits.
    private static func isZero(_ parameter: [UInt8]) -> Bool {
        parameter.starts(with: "q=0".utf8)
            && parameter.dropFirst(2).allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".") }
    }
}

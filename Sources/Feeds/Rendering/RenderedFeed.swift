import Bulletins
import Crypto
package import HTTPTypes
package import NIOCore

/// The body of an answer with its headers, in one encoding, made once for all requests.
package struct RenderedForm: Sendable {
    package let body: ByteBuffer
    package let etag: String
    /// The headers of an answer 200.
    package let headers: HTTPFields
    /// The headers of an answer 304 (RFC 9110, section 15.4.5).
    package let headersIfKnown: HTTPFields
    /// The head of an answer 200 as it goes over the wire, except for its last line, the date.
    package let head: ByteBuffer
    package let headIfKnown: ByteBuffer

    fileprivate init(body: ByteBuffer, etag: String, headers: HTTPFields, headersIfKnown: HTTPFields) {
        (self.body, self.etag, self.headers, self.headersIfKnown) = (body, etag, headers, headersIfKnown)
        head = Self.head("200 OK", headers)
        headIfKnown = Self.head("304 Not Modified", headersIfKnown)
    }

    /// Writes a head. `HTTPField` takes no value with line breaks, so no value can add a line.
    private static func head(_ status: String, _ headers: HTTPFields) -> ByteBuffer {
        let lines = headers.map { "\($0.name.rawName): \($0.value)\r\n" }.joined()
        return ByteBuffer(string: "HTTP/1.1 \(status)\r\n\(lines)Server: \(FeedHeaders.server)\r\n")
    }
}

/// A feed or an alert as it is answered, in a form per encoding. Each form has its own strong validator (RFC 9110,
/// section 8.8.3.3).
package struct RenderedFeed: Sendable {
    package let plain: RenderedForm
    let gzipped: RenderedForm?
    let lastModified: Timestamp
    private let lastModifiedText: String?

    /// `headers` are shared by both forms. Without a `lastModified` after 1970, the answer has no such header.
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

    /// The approximate size in memory, in bytes.
    var size: Int { plain.body.readableBytes + (gzipped?.body.readableBytes ?? 0) + 4096 }

    /// Returns the form for a request, and whether the client has it already. `If-None-Match` takes precedence (RFC
    /// 9110, section 13.2.2).
    package func answer(acceptEncoding: String?, ifNoneMatch: String?, ifModifiedSince: String?)
        -> (form: RenderedForm, isKnown: Bool)
    {
        let form = gzipped.flatMap { AcceptEncoding.takesGzip(acceptEncoding) ? $0 : nil } ?? plain
        if let ifNoneMatch { return (form, Self.matches(ifNoneMatch, form.etag)) }
        return (form, ifModifiedSince.map(isUnchanged(since:)) ?? false)
    }

    /// Whether a client that fetched the feed at this time still has it (RFC 9110, section 13.1.3). Clients send times
    /// of their own as well as those that they were given. A value that is no date counts as absent.
    private func isUnchanged(since text: String) -> Bool {
        guard let lastModifiedText else { return false }
        if text == lastModifiedText { return true }
        return HTTPDate.parse(text, now: lastModified).map { $0.seconds >= lastModified.seconds } ?? false
    }

    /// The same, for a request with these headers.
    package func answer(to headers: HTTPFields) -> (form: RenderedForm, isKnown: Bool) {
        answer(
            acceptEncoding: headers[.acceptEncoding], ifNoneMatch: headers[.ifNoneMatch],
            ifModifiedSince: headers[.ifModifiedSince])
    }

    /// Whether a list of tags contains this one, by weak comparison (RFC 9110, section 13.1.2).
    private static func matches(_ tags: String, _ etag: String) -> Bool {
        tags == etag
            || tags.utf8.split(separator: UInt8(ascii: ",")).contains { tag in
                let tag = tag.drop { $0 == UInt8(ascii: " ") }.reversed().drop { $0 == UInt8(ascii: " ") }.reversed()
                return tag.elementsEqual("*".utf8)
                    || (tag.starts(with: "W/".utf8) ? tag.dropFirst(2) : tag[...]).elementsEqual(etag.utf8)
            }
    }
}

/// The header `Accept-Encoding` (RFC 9110, section 12.5.3).
enum AcceptEncoding {
    /// Whether the header names gzip, or else `*`, without a weight of 0.
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
            // The bit 0x20 makes letters lower case; `*` and `-` have it already.
            guard words.first?.elementsEqual(coding.utf8) == true else { continue }
            return !words.dropFirst().contains(where: isZero)
        }
        return nil
    }

    /// Whether a parameter is `q=0` with any number of zeros behind a point. The point is 0x2E, which has the bit 0x20
    /// set as digits do.
    private static func isZero(_ parameter: [UInt8]) -> Bool {
        parameter.starts(with: "q=0".utf8)
            && parameter.dropFirst(2).allSatisfy { $0 == UInt8(ascii: "0") || $0 == UInt8(ascii: ".") }
    }
}

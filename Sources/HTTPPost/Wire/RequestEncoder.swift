internal import NIOCore

/// Encodes HTTP/1.1 requests (RFC 9112 sections 2 to 6), head and body in one buffer.
struct RequestEncoder: Sendable {
    /// The `User-Agent` line, or an empty string.
    private let userAgentLine: String

    init(userAgent: String) throws(HTTPPostError) {
        guard !userAgent.isEmpty else {
            userAgentLine = ""
            return
        }
        try Self.check(name: "user-agent", value: userAgent, reserved: [])
        userAgentLine = "\r\nUser-Agent: \(userAgent)"
    }

    /// Encodes the common part of the requests to a target.
    func template(_ target: HTTPTarget, headers: [(String, String)]) throws(HTTPPostError) -> HTTPPostTemplate {
        var head = head("POST ", target)
        for (name, value) in headers { try Self.write(name, value, to: &head) }
        return HTTPPostTemplate(target: target, head: head)
    }

    /// Encodes a GET.
    func get(_ target: HTTPTarget) -> ByteBuffer {
        var request = head("GET ", target)
        request.writeStaticString("\r\n\r\n")
        return request
    }

    private func head(_ method: StaticString, _ target: HTTPTarget) -> ByteBuffer {
        var head = ByteBuffer()
        head.writeStaticString(method)
        head.writeString(target.pathAndQuery)
        head.writeStaticString(" HTTP/1.1\r\nHost: ")
        head.writeString(target.authority)
        head.writeString(userAgentLine)
        return head
    }

    /// Encodes a POST.
    func encode(
        _ template: HTTPPostTemplate, headers: [(String, String)], body: ByteBuffer
    ) throws(HTTPPostError) -> ByteBuffer {
        var size = template.head.readableBytes + 64 + body.readableBytes
        for (name, value) in headers { size += name.utf8.count + value.utf8.count + 4 }
        var buffer = ByteBufferAllocator().buffer(capacity: size)
        buffer.writeImmutableBuffer(template.head)
        for (name, value) in headers { try Self.write(name, value, to: &buffer) }
        buffer.writeStaticString("\r\nContent-Length: ")
        buffer.writeString(String(body.readableBytes))
        buffer.writeStaticString("\r\n\r\n")
        buffer.writeImmutableBuffer(body)
        return buffer
    }

    private static func write(
        _ name: String, _ value: String, to buffer: inout ByteBuffer
    ) throws(HTTPPostError) {
        try check(name: name, value: value, reserved: reserved)
        buffer.writeStaticString("\r\n")
        buffer.writeString(name)
        buffer.writeStaticString(": ")
        buffer.writeString(value)
    }

    /// Headers that frame the message or choose its receiver belong to the client alone.
    private static let reserved = [
        "host", "content-length", "user-agent", "transfer-encoding", "connection", "expect",
        "upgrade", "te", "trailer", "keep-alive", "proxy-connection",
    ]

    private static func check(
        name: String, value: String, reserved: [String]
    ) throws(HTTPPostError) {
        guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
            throw .badHeader(name: "", reason: "the name is not a token (RFC 9110 section 5.6.2)")
        }
        // The tab is the only control character allowed in a value (RFC 9110 section 5.5).
        guard value.utf8.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }) else {
            throw .badHeader(name: name, reason: "the value contains a control character")
        }
        for word in reserved where equals(name, word) {
            throw .badHeader(name: name, reason: "the client sets it itself")
        }
    }

    /// Compares an ASCII name with a lower-case word, ignoring the name's case.
    private static func equals(_ name: String, _ word: String) -> Bool {
        name.utf8.count == word.utf8.count
            && zip(name.utf8, word.utf8).allSatisfy { ($0 | 0x20) == ($1 | 0x20) }
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x5E...0x7A, 0x7C, 0x7E: true
        case 0x21, 0x23...0x27, 0x2A, 0x2B, 0x2D, 0x2E: true
        default: false
        }
    }
}

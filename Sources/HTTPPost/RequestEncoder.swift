internal import NIOCore

/// Writes a request as HTTP/1.1 (RFC 9112 sections 2 to 6), head and body in one buffer.
struct RequestEncoder: Sendable {
    /// `User-Agent` with its line end, or nothing.
    private let userAgentLine: String

    init(userAgent: String) throws(HTTPPostError) {
        guard !userAgent.isEmpty else {
            userAgentLine = ""
            return
        }
        try Self.check(name: "user-agent", value: userAgent, reserved: [])
        userAgentLine = "\r\nUser-Agent: \(userAgent)"
    }

    func encode(_ request: HTTPPostRequest) throws(HTTPPostError) -> ByteBuffer {
        var size = 128 + userAgentLine.utf8.count + request.target.pathAndQuery.utf8.count
        for (name, value) in request.headers {
            try Self.check(name: name, value: value, reserved: Self.reserved)
            size += name.utf8.count + value.utf8.count + 4
        }
        size += request.target.authority.utf8.count + request.body.readableBytes
        var buffer = ByteBufferAllocator().buffer(capacity: size)
        buffer.writeStaticString(request.method == .get ? "GET " : "POST ")
        buffer.writeString(request.target.pathAndQuery)
        buffer.writeStaticString(" HTTP/1.1\r\nHost: ")
        buffer.writeString(request.target.authority)
        buffer.writeString(userAgentLine)
        for (name, value) in request.headers {
            buffer.writeStaticString("\r\n")
            buffer.writeString(name)
            buffer.writeStaticString(": ")
            buffer.writeString(value)
        }
        guard request.method == .post else {
            buffer.writeStaticString("\r\n\r\n")
            return buffer
        }
        buffer.writeStaticString("\r\nContent-Length: ")
        buffer.writeString(String(request.body.readableBytes))
        buffer.writeStaticString("\r\n\r\n")
        buffer.writeImmutableBuffer(request.body)
        return buffer
    }

    /// Headers that decide where a message ends, or who is asked, are the client's alone.
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
        // Of the control characters only the tab may stand in a value (RFC 9110 section 5.5).
        guard value.utf8.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }) else {
            throw .badHeader(name: name, reason: "the value holds a control character")
        }
        for word in reserved where equals(name, word) {
            throw .badHeader(name: name, reason: "the client sets it itself")
        }
    }

    /// Whether an ASCII name is a lower case word, whatever its own case.
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

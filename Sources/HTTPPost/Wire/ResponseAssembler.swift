internal import NIOCore
internal import NIOHTTP1

/// Assembles a response from its parts, up to the bytes that are kept. Pure: it touches no connection.
struct ResponseAssembler {
    enum Step {
        /// More parts follow.
        case more
        /// The response is complete. If `reusable`, the connection can carry another request.
        case complete(HTTPPostResponse, reusable: Bool)
        /// The response is malformed.
        case broken(reason: String)
    }

    /// More interim responses than this (RFC 9110 section 15.2) are an attack.
    private static let maximumInterim = 16

    private let maximumBytes: Int
    private var response: HTTPPostResponse?
    private var isReusable = false
    private var interim = 0

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    /// Discards the last response.
    mutating func reset() {
        response = nil
        interim = 0
    }

    mutating func take(_ part: HTTPClientResponsePart) -> Step {
        switch part {
        case .head(let head): take(head)
        case .body(let bytes): take(bytes)
        case .end: end()
        }
    }

    private mutating func take(_ head: HTTPResponseHead) -> Step {
        let status = Int(head.status.code)
        if (100..<200).contains(status) {
            interim += 1
            guard status != 101, interim <= Self.maximumInterim else {
                return .broken(reason: "unexpected interim status \(status)")
            }
            return .more
        }
        guard (200..<600).contains(status) else { return .broken(reason: "status \(status)") }
        response = HTTPPostResponse(
            status: status, retryAfter: head.headers.first(name: "Retry-After"))
        isReusable = head.isKeepAlive
        return .more
    }

    private mutating func take(_ bytes: ByteBuffer) -> Step {
        guard var response else { return .broken(reason: "a body without a head") }
        var bytes = bytes
        let room = maximumBytes - response.body.readableBytes
        guard bytes.readableBytes > room else {
            response.body.writeBuffer(&bytes)
            self.response = response
            return .more
        }
        if var part = bytes.readSlice(length: room) { response.body.writeBuffer(&part) }
        // Nobody needs the rest of the body, and the server could send it without end, so the connection is given up.
        return .complete(response, reusable: false)
    }

    private func end() -> Step {
        guard let response else { return .more }
        return .complete(response, reusable: isReusable)
    }
}
